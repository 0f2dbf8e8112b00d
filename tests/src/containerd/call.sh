# call.sh METHOD: one call of containerd's CRI. The request comes on standard input and the answer goes to standard
# output, both in protobuf's text format.
#
# A unary gRPC call is an HTTP/2 POST of one message behind five bytes, a zero and the message's length, and its
# outcome is in the trailers: nothing that curl cannot do.
set -eu
method=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

protoc --proto_path=/run/cri --encode="runtime.v1.${method}Request" cri.proto >"$work/message"
{
  perl -e 'print pack "CN", 0, -s $ARGV[0]' "$work/message"
  cat "$work/message"
} >"$work/request"
curl --silent --show-error --max-time 60 --http2-prior-knowledge --unix-socket /run/containerd/containerd.sock \
  --header 'content-type: application/grpc' --header 'te: trailers' --data-binary "@$work/request" \
  --dump-header "$work/headers" --output "$work/answer" "http://localhost/runtime.v1.RuntimeService/$method"
if ! tr -d '\r' <"$work/headers" | grep -qx 'grpc-status: 0'; then
  cat "$work/headers" >&2
  exit 1
fi
tail -c +6 "$work/answer" | protoc --proto_path=/run/cri --decode="runtime.v1.${method}Response" cri.proto
