#!/bin/sh
# Upload a CSV file to Equity Connect, signed. Needs curl and openssl.
#
#   export GATEWAY_URL=https://leads.example.com HMAC_KEY_ID=acme-4f1c HMAC_SECRET_KEY=... HMAC_SCHEME=v2
#   sh upload.sh leads.csv
#
# Prints the report when every row has its verdict. Exit codes: 0 done, 1 failed, 3 refused or uploaded before.
# openssl takes the secret as an argument, which others on the same machine can see: use the Python or Node client there.
set -eu

file=$1
gateway=${GATEWAY_URL:-http://127.0.0.1:8080}
gateway=${gateway%/}
scheme=${HMAC_SCHEME:-v2} # v2: timestamp and body; body: the body alone
body=$(mktemp)
trap 'rm -f "$body"' EXIT

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
hmac() { openssl dgst -sha256 -hmac "$HMAC_SECRET_KEY" | sed 's/^.*= *//'; }
field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" "$body" | head -n 1; }

# ask CURL-ARGUMENTS...: the answer goes to $body; ends the program with the gateway's reason when it refuses.
ask() {
    status=$(curl -sS -o "$body" -w '%{http_code}' -H "X-Key-Id: $HMAC_KEY_ID" "$@") || exit 1
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
    ask -X POST -T "$file" -H 'Content-Type: text/csv' -H "X-Signature-Timestamp: $timestamp" \
        -H "X-Signature: $signature" -H "X-Content-SHA256: $content" "$gateway/v1/uploads"
}

# report UPLOAD: how it stands. Reading is signed too: `<timestamp>.GET <path>`.
report() {
    timestamp=$(now)
    path=/v1/uploads/$1
    signature="v2=$(printf '%s.GET %s' "$timestamp" "$path" | hmac)"
    ask -H "X-Signature-Timestamp: $timestamp" -H "X-Signature: $signature" "$gateway$path"
}

upload
id=$(field upload_id)
echo "upload $id" >&2
while report "$id"; do
    case $(field state) in
        done) cat "$body"; exit 0 ;;
        failed | needs_resend) cat "$body"; exit 1 ;;
        *) sleep 1 ;;
    esac
done
