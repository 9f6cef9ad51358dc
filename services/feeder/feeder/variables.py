"""What the emails say about a lead: the custom variables, scalars only, with the lead's id and its links."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from common.contacts import MissingKeyError
from common.links import lead_link
from common.owner_names import greeting_of, read_owner_names
from common.vendor_text import plain_text
from feeder.settings import FeederSettings
from feeder.vendors.instantly import NewMember
from feeder.vendors.instantly_answers import Scalar

DEFAULT_FALLBACKS: Mapping[str, str] = {"firstName": "there"}
"""Texts for blanks that are empty, where the campaign has none: "Hello there,"."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where the links in emails lead."""

    consent_url: str
    opt_out_url: str
    secret: bytes

    @classmethod
    def of(cls, settings: FeederSettings) -> "Links":
        """The links of *settings*. Raises MissingKeyError without FORM_LINK_SECRET: a link that proves nothing is no link."""
        if settings.form_link_secret is None:
            raise MissingKeyError("FORM_LINK_SECRET")
        form = settings.consent_form_url.rstrip("/")
        secret = settings.form_link_secret.get_secret_value().encode()
        return cls(form, settings.opt_out_url or f"{form}/opt-out", secret)


def new_member(lead: Mapping[str, Any], email: str, links: Links) -> NewMember:
    """Return *lead* (a row of `read_members`) as Instantly takes it, blanks that would be empty filled with their fallback."""
    fallbacks = {**DEFAULT_FALLBACKS, **(orjson.loads(lead["fallbacks"]) if lead["fallbacks"] else {})}
    fields = {
        "firstName": greeting_of(lead["owner_first_name"], lead["owner_last_name"]),
        "lastName": plain_text(_last_name(lead)),
        **variables(lead, links),
    }
    filled = {name: plain_text(fallbacks.get(name)) if value is None else value for name, value in fields.items()}
    first_name, last_name = filled.pop("firstName"), filled.pop("lastName")
    return NewMember(email=email, first_name=_text(first_name), last_name=_text(last_name), variables=filled)


def variables(lead: Mapping[str, Any], links: Links) -> dict[str, Scalar]:
    """Return the custom variables of *lead*; money in whole dollars. Every text goes through `plain_text` (ADR 26)."""
    lead_id: UUID = lead["lead_id"]
    return {
        "lead_id": str(lead_id),
        "consent_link": lead_link(links.consent_url, links.secret, lead_id),
        "opt_out_link": lead_link(links.opt_out_url, links.secret, lead_id),
        "property_address": plain_text(lead["property_address"]),
        "property_city": plain_text(lead["property_city"]),
        "property_state": plain_text(lead["property_state"]),
        "est_value": lead["est_value"],
        "est_equity": lead["est_equity"],
        "broker_name": plain_text(lead["broker_name"], links=True),
        "persona_name": plain_text(lead["persona_name"], links=True),
    }


def _last_name(lead: Mapping[str, Any]) -> str | None:
    names = {"owner_first_name": lead["owner_first_name"], "owner_last_name": lead["owner_last_name"]}
    return read_owner_names(names).names["owner_last_name"]


def _text(value: Scalar) -> str | None:
    return None if value is None else str(value)
