#!/bin/sh
# Upload a CSV file to Equity Connect, signed. Needs curl and openssl.
#
#   export GATEWAY_URL=https://leads.example.com HMAC_KEY_ID=acme-4f1c HMAC_SECRET_KEY=... HMAC_SCHEME=v2
#   sh upload.sh leads.csv
#
# Prints the report when every row has an outcome. Exit codes: 0 done, 1 failed, 2 wrong usage, file or
# setting, 3 refused or uploaded before, 4 not reachable.
# openssl takes the secret as an argument, which other users of the machine can see. If there are any, use the Python or Node
# client.
set -eu

# fail CODE PROBLEM ADVICE: prints the problem and the advice, and exits.
fail() {
    printf 'Error: %s\n  %s\n' "$2" "$3" >&2
    exit "$1"
}

[ $# -eq 1 ] || fail 2 "One file is uploaded at a time." "Usage: sh upload.sh leads.csv"
[ -n "${HMAC_KEY_ID:-}" ] && [ -n "${HMAC_SECRET_KEY:-}" ] ||
    fail 2 "HMAC_KEY_ID and HMAC_SECRET_KEY are not both set." "Set them to your key's id and secret."
for tool in curl openssl; do
    command -v "$tool" > /dev/null || fail 2 "$tool is not installed." "Install it, or use the Python or Node client."
done
file=$1
[ -f "$file" ] && [ -r "$file" ] || fail 2 "$file cannot be read." "Name a file that is there."
gateway=${GATEWAY_URL:-http://127.0.0.1:8080}
gateway=${gateway%/}
scheme=${HMAC_SCHEME:-v2} # v2: timestamp and body; body: the body alone
case $scheme in v2 | body) ;; *) fail 2 "HMAC_SCHEME is neither v2 nor body." "Set it to your key's scheme." ;; esac
case $gateway in
    http://* | https://*) ;;
    *) fail 2 "GATEWAY_URL is not a web address." "It reads https://leads.example.com." ;;
esac
body=$(mktemp)
trap 'rm -f "$body"' EXIT

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
hmac() { openssl dgst -sha256 -hmac "$HMAC_SECRET_KEY" | sed 's/^.*= *//'; }
field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" "$body" | head -n 1; }

# send_request CURL-ARGUMENTS...: writes the response to $body. Prints a refusal and exits.
send_request() {
    status=$(curl -s -o "$body" -w '%{http_code}' -H "X-Key-Id: $HMAC_KEY_ID" "$@") ||
        fail 4 "The gateway at $gateway does not answer." "Check GATEWAY_URL and your network, then try again."
    case $status in
        2*) ;;
        4*) echo "$status $(cat "$body")" >&2; exit 3 ;;
        *) echo "$status $(cat "$body")" >&2; exit 1 ;;
    esac
}

upload() {
    timestamp=$(now)
    if [ "$scheme" = v2 ]; then
        signature="v2=$({ printf '%s.' "$timestamp"; cat "$file"; } | hmac)"
    else
        signature="sha256=$(hmac < "$file")"
    fi
    content=$(openssl dgst -sha256 < "$file" | sed 's/^.*= *//')
    send_request -X POST -T "$file" -H 'Content-Type: text/csv' -H "X-Signature-Timestamp: $timestamp" \
        -H "X-Signature: $signature" -H "X-Content-SHA256: $content" "$gateway/v1/uploads"
}

# fetch_report UPLOAD: writes the report to $body. Reading is signed too: `<timestamp>.GET <path>`.
fetch_report() {
    timestamp=$(now)
    path=/v1/uploads/$1
    signature="v2=$(printf '%s.GET %s' "$timestamp" "$path" | hmac)"
    send_request -H "X-Signature-Timestamp: $timestamp" -H "X-Signature: $signature" "$gateway$path"
}

upload
id=$(field upload_id)
[ -n "$id" ] || fail 1 "$gateway did not answer as the gateway does." "Check GATEWAY_URL."
echo "upload $id" >&2
while fetch_report "$id"; do
    case $(field state) in
        done) cat "$body"; exit 0 ;;
        failed | needs_resend) cat "$body"; exit 1 ;;
        *) sleep 1 ;;
    esac
done
