# blocks.awk: takes the fenced blocks out of a Markdown file; awk -v out=DIRECTORY -f blocks.awk FILE.
#
# A block becomes the file HEADING-NUMBER.LANGUAGE: the second block of shell's lines below "### By hand" is by-hand-2.sh.
# One that says that it is untested ("```sh untested") is told of, and called so.

/^#+ / && !inside {
  heading = tolower($0)
  gsub(/[^a-z0-9]+/, "-", heading)
  gsub(/^-|-$/, "", heading)
}

/^```/ {
  inside = !inside
  if (inside) {
    language = substr($0, 4)
    if (language ~ / untested$/) {
      print FILENAME ": line " NR ": nobody tries this block"
      language = "untested"
    }
    if (language == "") {
      print FILENAME ": line " NR ": a block without its language" >"/dev/stderr"
      exit 1
    }
    file = out "/" heading "-" ++number[heading, language] "." language
    printf "" >file
  } else {
    close(file)
  }
  next
}

inside { print >file }
