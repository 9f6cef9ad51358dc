"""Funnel events hold ids, codes, keyed hashes, times and numbers: no text that a person wrote, and no contact details."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from common.events import FUNNEL_EVENTS, BillingRecorded, ConsentGranted, DealRecord, FunnelEvent, Unsubscribed
from common.events.base import ContactEvent
from common.topics import FUNNEL_TOPICS

WORDS_OF_PERSONAL_DATA = {
    "email", "phone", "mobile", "name", "address", "street", "city", "county", "zip", "birth", "age", "ip", "agent",
    "text", "body", "subject", "snippet", "summary", "transcript", "note", "notes", "comment", "message", "recording",
}  # fmt: skip
SUFFIXES_OF_REFERENCES = ("_id", "_version", "_hash")
FORMATS_OF_TEXT = {"uuid", "date", "date-time"}
PERSONAL_DATA = (
    "Marjorie Holt",
    "marjorie.holt@example.com",
    "+17275550142",
    "(727) 555-0142",
    "418 N Palmetto Ave",
    "Yes, please call me after 2",
    "",
)

every_event = pytest.mark.parametrize("event", FUNNEL_EVENTS, ids=lambda event: event.__name__)


def _problems_of_name(name: str) -> Iterator[str]:
    if not name.endswith(SUFFIXES_OF_REFERENCES) and WORDS_OF_PERSONAL_DATA & set(name.split("_")):
        yield f"{name}: it names personal data"


def _problems_of_value(name: str, schema: dict[str, Any]) -> Iterator[str]:
    for part in schema.get("anyOf", [schema]):
        match part.get("type"):
            case "integer" | "number" | "boolean" | "null":
                continue
            case "array" if "items" in part:
                yield from _problems_of_value(name, part["items"])
            case "string" if part.get("format") in FORMATS_OF_TEXT:
                continue
            case "string" if "pattern" in part:
                if any(re.search(part["pattern"], value) for value in PERSONAL_DATA):
                    yield f"{name}: its pattern allows free text"
            case _:
                yield f"{name}: it may hold any text"


def _problems(event: type[FunnelEvent]) -> list[str]:
    schema = event.model_json_schema()
    return [
        problem
        for name, described in schema["properties"].items()
        for problem in (*_problems_of_name(name), *_problems_of_value(name, described))
    ] + [f"{name}: nested models are not checked" for name in schema.get("$defs", ())]


@every_event
def test_a_funnel_event_has_no_field_for_free_text_or_contact_details(event: type[FunnelEvent]) -> None:
    assert _problems(event) == []


def test_fields_for_free_text_and_contact_details_are_found() -> None:
    class Careless(FunnelEvent):
        topic = "funnel.careless"
        reason: str
        reply_text: int
        owner_email: int
        facts: dict[str, str]
        words: list[str]

    assert [problem.split(":")[0] for problem in _problems(Careless)] == [
        "reason", "reply_text", "owner_email", "facts", "words",
    ]  # fmt: skip


def test_models_and_topics_are_in_the_same_order() -> None:
    assert tuple(event.topic for event in FUNNEL_EVENTS) == FUNNEL_TOPICS


@every_event
def test_a_hash_of_a_contact_comes_with_the_id_of_its_key(event: type[FunnelEvent]) -> None:
    assert (
        ("value_hash" in event.model_fields) == ("hash_key_id" in event.model_fields) == issubclass(event, ContactEvent)
    )


@pytest.mark.parametrize("value", PERSONAL_DATA)
def test_personal_data_in_a_code_or_hash_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        Unsubscribed(channel="email", how=value)
    with pytest.raises(ValidationError):
        Unsubscribed(channel="email", how="reply", value_hash=value)


@pytest.mark.parametrize("amount", [12.5, 12.0, "1250", True])
def test_an_amount_that_is_no_whole_number_of_cents_is_refused(amount: Any) -> None:
    deal = {"source": "los", "deal_id": "1", "kind": "loan_funded", "occurred_on": "2026-12-04"}
    assert DealRecord.model_validate({**deal, "amount_cents": 1250}).amount_cents == 1250
    with pytest.raises(ValidationError):
        DealRecord.model_validate({**deal, "amount_cents": amount})
    charge = {"billing_event_id": UUID(int=1), "stage": "appointment", "revision": 1, "business_date": "2026-12-04"}
    assert BillingRecorded.model_validate({**charge, "amount_cents": -1250}).amount_cents == -1250
    with pytest.raises(ValidationError):
        BillingRecorded.model_validate({**charge, "amount_cents": amount})


def test_a_consent_event_proves_its_row_of_the_chain() -> None:
    required = {name for name, field in ConsentGranted.model_fields.items() if field.is_required()}
    assert required == {"audit_id", "seq", "row_hash", "text_version", "covers"}
