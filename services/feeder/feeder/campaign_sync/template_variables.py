"""Template variables of the emails: a lead's values, its id and its links, as scalars."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from common.compliance.links import build_lead_link
from common.pii.keyring import MissingKeyError
from common.pii.owner_names import greeting_of, read_owner_names
from common.vendors.text import plain_text
from feeder.campaign_sync.queries import MembershipDetails
from feeder.settings import FeederSettings
from feeder.vendors.instantly import NewMember
from feeder.vendors.instantly_responses import Scalar

DEFAULT_FALLBACKS: Mapping[str, str] = {"firstName": "there"}
"""Texts for placeholders without a value, if the campaign has none: "Hello there,"."""


@dataclass(frozen=True, slots=True)
class EmailLinks:
    """Targets of the links in emails, and the secret that signs them."""

    consent_url: str
    opt_out_url: str
    secret: bytes

    @classmethod
    def from_settings(cls, settings: FeederSettings) -> "EmailLinks":
        """Return the links of *settings*. Raises MissingKeyError without FORM_LINK_SECRET: unsigned links prove nothing."""
        if settings.form_link_secret is None:
            raise MissingKeyError("FORM_LINK_SECRET")
        form = settings.consent_form_url.rstrip("/")
        secret = settings.form_link_secret.get_secret_value().encode()
        return cls(form, settings.opt_out_url or f"{form}/opt-out", secret)


def build_member(lead: MembershipDetails, email: str, links: EmailLinks) -> NewMember:
    """Build the member for *lead*. A placeholder without a value gets its fallback."""
    fallbacks = {**DEFAULT_FALLBACKS, **(orjson.loads(lead.fallbacks) if lead.fallbacks else {})}
    values = {
        "firstName": greeting_of(lead.owner_first_name, lead.owner_last_name),
        "lastName": plain_text(_read_last_name(lead)),
        **build_variables(lead, links),
    }
    filled = {name: plain_text(fallbacks.get(name)) if value is None else value for name, value in values.items()}
    first_name, last_name = filled.pop("firstName"), filled.pop("lastName")
    return NewMember(email=email, first_name=_to_text(first_name), last_name=_to_text(last_name), variables=filled)


def build_variables(lead: MembershipDetails, links: EmailLinks) -> dict[str, Scalar]:
    """Build the custom variables of *lead*; money in whole dollars. `plain_text` cleans every text (ADR 26)."""
    return {
        "lead_id": str(lead.lead_id),
        "consent_link": build_lead_link(links.consent_url, links.secret, lead.lead_id),
        "opt_out_link": build_lead_link(links.opt_out_url, links.secret, lead.lead_id),
        "property_address": plain_text(lead.property_address),
        "property_city": plain_text(lead.property_city),
        "property_state": plain_text(lead.property_state),
        "est_value": lead.est_value,
        "est_equity": lead.est_equity,
        "broker_name": plain_text(lead.broker_name, links=True),
        "persona_name": plain_text(lead.persona_name, links=True),
    }


def _read_last_name(lead: MembershipDetails) -> str | None:
    names = {"owner_first_name": lead.owner_first_name, "owner_last_name": lead.owner_last_name}
    return read_owner_names(names).names["owner_last_name"]


def _to_text(value: Scalar) -> str | None:
    return None if value is None else str(value)
