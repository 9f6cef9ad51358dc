"""What the emails say about a lead: the custom variables, scalars only, with the lead's id and its links."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.contacts import MissingKeyError
from common.links import lead_link
from feeder.settings import FeederSettings
from feeder.vendors.instantly import NewMember
from feeder.vendors.instantly_answers import Scalar

LONGEST = 200
"""Characters of a text in an email: whatever a file calls somebody, an email has to bear it."""


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
    """*lead* (a row of `read_members`) as Instantly takes it."""
    return NewMember(
        email=email,
        first_name=plain(lead["owner_first_name"]),
        last_name=plain(lead["owner_last_name"]),
        variables=variables(lead, links),
    )


def variables(lead: Mapping[str, Any], links: Links) -> dict[str, Scalar]:
    """The custom variables of *lead*; money in whole dollars."""
    lead_id: UUID = lead["lead_id"]
    return {
        "lead_id": str(lead_id),
        "consent_link": lead_link(links.consent_url, links.secret, lead_id),
        "opt_out_link": lead_link(links.opt_out_url, links.secret, lead_id),
        "property_address": plain(lead["property_address"]),
        "property_city": plain(lead["property_city"]),
        "property_state": plain(lead["property_state"]),
        "est_value": lead["est_value"],
        "est_equity": lead["est_equity"],
        "broker_name": plain(lead["broker_name"]),
        "persona_name": plain(lead["persona_name"]),
    }


def plain(text: str | None) -> str | None:
    """*text* in one line of at most LONGEST characters, without what an email's HTML or the vendor's templates take for markup."""
    if text is None:
        return None
    shown = "".join(character if character.isprintable() and character not in "<>{}" else " " for character in text)
    return " ".join(shown.split())[:LONGEST].rstrip()
