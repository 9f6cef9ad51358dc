#!/bin/sh
# Produce one property record to Equity Connect. Needs kcat; a login needs its library librdkafka in version 2.6.1 or later.
#
#   export KAFKA_BOOTSTRAP_SERVERS=kafka.example.com:9093 KAFKA_USERNAME=acme KAFKA_PASSWORD=...
#   sh produce.sh
#
# Prints where Kafka stored the record. Exit codes: 0 stored, 1 not stored, 2 a setting or a tool is missing.
set -eu

# fail CODE PROBLEM ADVICE: prints the problem and the advice, and exits.
fail() {
    printf 'Error: %s\n  %s\n' "$2" "$3" >&2
    exit "$1"
}

[ -n "${KAFKA_BOOTSTRAP_SERVERS:-}" ] ||
    fail 2 "KAFKA_BOOTSTRAP_SERVERS is not set." "Set it to the addresses that you got from us."
command -v kcat > /dev/null || fail 2 "kcat is not installed." "Install it, on Debian with: apt-get install kcat"
topic=${KAFKA_TOPIC:-ingest.leads}

# Kafka 4 refuses the SCRAM login of an older librdkafka as "invalid credentials": https://github.com/edenhill/kcat/issues/462
version=$(kcat -V | sed -n 's/.*librdkafka \([0-9.]*\).*/\1/p')
[ -z "${KAFKA_USERNAME:-}" ] || [ "$(printf '%s\n2.6.1\n' "$version" | sort -V | head -n 1)" = 2.6.1 ] ||
    fail 2 "kcat uses librdkafka $version, which cannot log in to Kafka 4." "Install librdkafka 2.6.1 or later, or use another program."

# The time at which your system last changed this record. In this example it changes every day at midnight.
changed_on=$(date -u +%Y-%m-%d)
changed_at=${changed_on}T00:00:00Z
property_id=4711 # the property's id in your system

# The same version of a record always has the same id and time, so that you may send it again at any time.
id=$(printf 'acme-crm/properties/%s/%s' "$property_id" "$changed_at" | sha256sum |
    sed 's/^\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)\(.\{12\}\).*/\1-\2-\3-\4-\5/')

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/record.json" << JSON
{
  "source": "acme",
  "observed_on": "$changed_on",
  "property_address": "418 N Palmetto Ave",
  "property_city": "Dunedin",
  "property_state": "FL",
  "property_zip": "34698",
  "county": "Pinellas",
  "fips": "12103",
  "apn": "27-28-15-66078-000-0100",
  "owner_first_name": "Marjorie",
  "owner_last_name": "Holt",
  "owner2_first_name": "Dale",
  "owner2_last_name": "Holt",
  "mailing_address": "77 Harbor Ln",
  "mailing_city": "Asheville",
  "mailing_state": "NC",
  "mailing_zip": "28801",
  "property_type": "Single Family",
  "bedrooms": 3,
  "bathrooms": 2.5,
  "building_sqft": 1840,
  "lot_sqft": 8712,
  "year_built": 1974,
  "owner_occupied": false,
  "vacant": false,
  "est_value": 412000,
  "est_equity": 351000,
  "est_ltv": 14.8,
  "open_loans": 1,
  "open_loan_balance": 61000,
  "last_sale_date": "2004-06-18",
  "last_sale_amount": 189000,
  "deceased_owner": false,
  "do_not_mail": false,
  "litigator": false,
  "do_not_contact": false,
  "phones": [
    {"number": "+1 727 555 0142", "type": "mobile", "dnc": false},
    {"number": "+1 727 555 0177", "type": "landline", "dnc": true}
  ],
  "emails": ["marjorie.holt@example.com"]
}
JSON

# The options are in a file that only you can read. Arguments of a command would be visible to other users of the machine.
cat > "$folder/kcat.conf" << CONF
bootstrap.servers=$KAFKA_BOOTSTRAP_SERVERS
acks=all
enable.idempotence=true
message.timeout.ms=20000
partitioner=murmur2_random
CONF
if [ -n "${KAFKA_USERNAME:-}" ]; then
    cat >> "$folder/kcat.conf" << CONF
security.protocol=SASL_SSL
sasl.mechanisms=SCRAM-SHA-512
sasl.username=$KAFKA_USERNAME
sasl.password=${KAFKA_PASSWORD:-}
CONF
fi
[ -z "${KAFKA_CA_FILE:-}" ] || echo "ssl.ca.location=$KAFKA_CA_FILE" >> "$folder/kcat.conf"

# With a file as its argument kcat sends the whole file as one message, line breaks included. -v -v reports the offset.
kcat -F "$folder/kcat.conf" -P -v -v -t "$topic" -k "$property_id" \
    -H ce_specversion=1.0 -H "ce_id=$id" -H ce_type=ingest.leads -H ce_source=acme-crm -H "ce_time=$changed_at" \
    -H "ce_correlationid=acme-crm/exports/$changed_on" -H content-type=application/json "$folder/record.json" > "$folder/log" 2>&1 ||
    fail 1 "Kafka did not store the record: $(grep -m 1 -E 'ERROR|Delivery failed' "$folder/log" || tail -n 1 "$folder/log")" \
        "Check the servers, the topic and the login, then try again."
place=$(sed -n 's/.*delivered to partition \([0-9]*\) (offset \([0-9]*\)).*/partition \1, offset \2/p' "$folder/log")
echo "Stored in $topic, $place, as $id."
