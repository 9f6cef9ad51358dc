#!/usr/bin/env python3
"""Produce one property record to Equity Connect. Python 3.10 or later, and aiokafka.

    pip install aiokafka==0.14.0
    export KAFKA_BOOTSTRAP_SERVERS=kafka.example.com:9093 KAFKA_USERNAME=acme KAFKA_PASSWORD=...
    python3 produce.py

Prints where Kafka stored the record. Exit codes: 0 stored, 1 not stored, 2 a setting is missing or wrong.
"""
# ruff: noqa: T201, UP017 - an independent program, which also runs on Python 3.10

import asyncio
import json
import os
import ssl
import sys
from datetime import datetime, timezone
from typing import Any, NoReturn
from uuid import NAMESPACE_URL, uuid5

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "")
TOPIC = os.environ.get("KAFKA_TOPIC", "ingest.leads")
USERNAME = os.environ.get("KAFKA_USERNAME")  # unset: no login and no encryption, for a Kafka on your own machine
PASSWORD = os.environ.get("KAFKA_PASSWORD")
CA_FILE = os.environ.get("KAFKA_CA_FILE")  # unset: the certificate authorities of this machine

# The time at which your system last changed this record. In this example it changes every day at midnight.
CHANGED_AT = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
PROPERTY_ID = "4711"  # the property's id in your system

RECORD = {
    "source": "acme",
    "observed_on": CHANGED_AT.date().isoformat(),
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
    "owner_occupied": False,
    "vacant": False,
    "est_value": 412000,
    "est_equity": 351000,
    "est_ltv": 14.8,
    "open_loans": 1,
    "open_loan_balance": 61000,
    "last_sale_date": "2004-06-18",
    "last_sale_amount": 189000,
    "deceased_owner": False,
    "do_not_mail": False,
    "litigator": False,
    "do_not_contact": False,
    "phones": [
        {"number": "+1 727 555 0142", "type": "mobile", "dnc": False},
        {"number": "+1 727 555 0177", "type": "landline", "dnc": True},
    ],
    "emails": ["marjorie.holt@example.com"],
}

# The same version of a record always has the same id and time, so that you may send it again at any time.
HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": str(uuid5(NAMESPACE_URL, f"acme-crm/properties/{PROPERTY_ID}/{CHANGED_AT.isoformat()}")),
    "ce_type": "ingest.leads",
    "ce_source": "acme-crm",
    "ce_time": CHANGED_AT.isoformat(),
    "ce_correlationid": f"acme-crm/exports/{CHANGED_AT.date()}",  # one text for all records that belong together
    "content-type": "application/json",
}


def fail(code: int, problem: str, advice: str) -> NoReturn:
    """Print the problem and the advice, and exit with *code*."""
    print(f"Error: {problem}\n  {advice}", file=sys.stderr)
    sys.exit(code)


def login() -> dict[str, Any]:
    """Return the options of an encrypted connection with a login."""
    if not USERNAME:
        return {}
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": USERNAME,
        "sasl_plain_password": PASSWORD or "",
        "ssl_context": ssl.create_default_context(cafile=CA_FILE),
    }


async def produce() -> None:
    """Produce the record and print where Kafka stored it. Raises KafkaError if Kafka did not store it."""
    producer = AIOKafkaProducer(
        bootstrap_servers=SERVERS, acks="all", enable_idempotence=True, request_timeout_ms=20_000, **login()
    )
    try:
        await producer.start()
        headers = [(name, value.encode()) for name, value in HEADERS.items()]
        body = json.dumps(RECORD, ensure_ascii=False).encode()
        stored = await producer.send_and_wait(TOPIC, body, key=PROPERTY_ID.encode(), headers=headers)
    finally:
        await producer.stop()
    print(f"Stored in {TOPIC}, partition {stored.partition}, offset {stored.offset}, as {HEADERS['ce_id']}.")


def main() -> None:
    """Produce the record, or say why that failed."""
    if not SERVERS:
        fail(2, "KAFKA_BOOTSTRAP_SERVERS is not set.", "Set it to the addresses that you got from us.")
    try:
        asyncio.run(produce())
    except (KafkaError, OSError, ValueError) as error:
        fail(
            1,
            f"Kafka did not store the record: {error}.",
            "Check the servers, the topic and the login, then try again.",
        )


if __name__ == "__main__":
    main()
