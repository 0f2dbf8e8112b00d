# Sourced: a test is a function, and its name is its sentence.

passed=0 failed=0
said=$(mktemp)

# Runs the functions in this order, each to its first failure. What one said is shown if it failed.
try() {
  local test status
  for test in "$@"; do
    # Not behind `||`, which would disarm -e.
    (
      set -e
      "$test"
    ) >"$said" 2>&1
    status=$?
    if [ $status = 0 ]; then
      passed=$((passed + 1))
      echo "ok      ${test//_/ }"
    else
      failed=$((failed + 1))
      echo "FAILED  ${test//_/ }"
      sed 's/^/        /' "$said"
    fi
  done
  rm -f "$said"
  # As cargo's tests end, so that whoever adds them up need not know the difference.
  echo "test result: $([ $failed = 0 ] && echo ok || echo FAILED). $passed passed; $failed failed; 0 ignored"
  [ $failed = 0 ]
}

# They must be the same, or the difference is shown.
same() {
  diff --label "is: $1" --label "should be: $2" -u <(printf '%s\n' "$1") <(printf '%s\n' "$2")
}

fails() {
  if "$@"; then
    echo "should have failed: $*"
    return 1
  fi
}
