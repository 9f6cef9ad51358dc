"""Models of the campaign file. Each checks what it holds, and every error names the field.

In `{{name|text}}` the text is the fallback for leads without a value. The feeder sends it as the value, because Instantly's
API documents no fallback. So a blank has one fallback in a campaign.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from common.pii.contact_values import email_address
from feeder.campaign_file.blanks import (
    FILE_BLANKS,
    check_fallback,
    find_fallbacks,
    find_often_empty_blanks,
    read_file_blanks,
)

Timezone = Literal[
    "America/Detroit", "America/Chicago", "America/Boise", "America/Creston", "America/Anchorage", "America/Dawson"
]
"""Instantly's names for the zones of the United States.

It knows no New_York, Denver or Los_Angeles (docs/vendors/instantly.md).
"""

_MAX_BODY_CHARACTERS = 100_000
"""Mailboxes clip longer emails."""


def _check_text(text: str) -> str:
    if "\0" in text:
        raise ValueError("there is a NUL character in it")
    return text


def _check_line(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("it is not one line of text")
    return text


def _check_persona_text(text: str) -> str:
    read_file_blanks(text)
    return text


def _check_account(text: str) -> str:
    if (account := email_address(text)) is None:
        raise ValueError(f"{text!r} is no email account")
    return account


Account = Annotated[str, AfterValidator(_check_account)]
"""An email account connected at Instantly."""

Text = Annotated[str, AfterValidator(_check_text)]
Line = Annotated[str, Field(min_length=1), AfterValidator(_check_line)]
Fallback = Annotated[Line, AfterValidator(check_fallback)]
"""A text for leads without a value."""
PersonaText = Annotated[Text, Field(max_length=2_000), AfterValidator(_check_persona_text)]
"""Words of a persona. They fill a blank, so they have none of FILE_BLANKS themselves."""


class _CampaignModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class CampaignStep(_CampaignModel):
    """One email of a sequence. *day* counts from 1, the day the sequence begins."""

    day: int = Field(ge=1, le=60)
    subject: Line = Field(max_length=200)
    body: Text = Field(max_length=_MAX_BODY_CHARACTERS)

    @model_validator(mode="after")
    def _has_required_blanks(self) -> Self:
        """Require a postal address and a way to opt out, as CAN-SPAM does of every email (15 U.S.C. 7704(a)(5))."""
        read_file_blanks(self.subject, FILE_BLANKS)
        if "postal_address" not in read_file_blanks(self.body, FILE_BLANKS):
            raise ValueError("the body has no $postal_address")
        if "{{opt_out_link}}" not in self.body:
            raise ValueError("the body has no {{opt_out_link}}")
        return self


class CampaignPersona(_CampaignModel):
    """The person whose name is under the emails of one campaign, with her or his words."""

    id: int = Field(ge=1, le=2**31 - 1)
    name: Line = Field(max_length=80)
    role: PersonaText
    opening: PersonaText
    closing: PersonaText
    senders: tuple[Account, ...] = Field((), description="Email accounts at Instantly that send for this persona.")


class SendingHours(_CampaignModel):
    """The hours of Monday to Friday in which Instantly sends."""

    timezone: Timezone = "America/Detroit"
    opens: str = Field("09:00", alias="from", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    closes: str = Field("17:00", alias="to", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"nothing is ever sent from {self.opens} to {self.closes}")
        return self


class CampaignEntry(_CampaignModel):
    """A campaign for each of *personas* at each of *brokers*; `all` means every one, of brokers every active one."""

    name: Line = Field(max_length=60)
    sequence: str
    personas: Literal["all"] | Annotated[tuple[int, ...], Field(min_length=1)] = "all"
    brokers: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)] = "all"
    schedule: SendingHours = SendingHours()
    first_name_fallback: Fallback = Field("there", description="Greets owners without a first name: `Hello there,`.")
    senders: tuple[Account, ...] = Field((), description="Accounts that send for personas without accounts.")

    def name_for(self, persona: CampaignPersona) -> str:
        """Return the name of the campaign of one persona."""
        return f"{self.name} - {persona.name}"


class CampaignFile(_CampaignModel):
    """The whole file."""

    personas: tuple[CampaignPersona, ...]
    sequences: dict[str, Annotated[tuple[CampaignStep, ...], Field(min_length=1, max_length=10)]]
    campaigns: tuple[CampaignEntry, ...]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not (self.personas and self.campaigns):
            raise ValueError("without a persona and a campaign there is nothing to send")
        self._check_personas()
        for name, steps in self.sequences.items():
            _check_sequence(name, steps)
        self._check_campaigns()
        for campaign, persona in self.pairs():
            self.fallbacks_of(campaign, persona)
        return self

    def _check_personas(self) -> None:
        ids = {persona.id for persona in self.personas}
        names = {persona.name.casefold() for persona in self.personas}
        if min(len(ids), len(names)) < len(self.personas):
            raise ValueError("two personas have one id or name")

    def _check_campaigns(self) -> None:
        ids = {persona.id for persona in self.personas}
        for campaign in self.campaigns:
            if campaign.sequence not in self.sequences:
                raise ValueError(f"there is no sequence {campaign.sequence}")
            if campaign.personas != "all" and not set(campaign.personas) <= ids:
                raise ValueError(f"campaign {campaign.name} names a persona that is not there")
        names = Counter(campaign.name_for(persona) for campaign, persona in self.pairs())
        if repeated := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"two campaigns are named {repeated[0]!r}")

    def pairs(self) -> Iterator[tuple[CampaignEntry, CampaignPersona]]:
        """Yield each campaign with each of its personas."""
        for campaign in self.campaigns:
            for persona in self.personas_of(campaign):
                yield campaign, persona

    def personas_of(self, campaign: CampaignEntry) -> list[CampaignPersona]:
        """Return the personas of *campaign*."""
        return [one for one in self.personas if campaign.personas == "all" or one.id in campaign.personas]

    def texts_of(self, campaign: CampaignEntry, persona: CampaignPersona) -> list[str]:
        """Return every text of one campaign that may have blanks."""
        emails = [text for step in self.sequences[campaign.sequence] for text in (step.subject, step.body)]
        return [*emails, persona.role, persona.opening, persona.closing]

    def fallbacks_of(self, campaign: CampaignEntry, persona: CampaignPersona) -> dict[str, str]:
        """Return the fallbacks of one campaign by blank; those in the texts go before `first_name_fallback`."""
        return {"firstName": campaign.first_name_fallback} | find_fallbacks(self.texts_of(campaign, persona))

    def list_blanks_without_fallback(self) -> list[str]:
        """Return blanks in the texts of any campaign that have no value for many leads, and no fallback."""
        return sorted(set[str]().union(*(find_often_empty_blanks(self.texts_of(*pair)) for pair in self.pairs())))

    def list_campaigns_without_senders(self) -> list[str]:
        """Return the names of campaigns without an account that sends: Instantly sends nothing to their members."""
        return [
            campaign.name_for(persona)
            for campaign, persona in self.pairs()
            if not (persona.senders or campaign.senders)
        ]


def _check_sequence(name: str, steps: tuple[CampaignStep, ...]) -> None:
    days = [step.day for step in steps]
    if days != sorted(set(days)) or days[0] != 1:
        raise ValueError(f"the days of sequence {name} do not rise from 1")
    if not any("{{consent_link}}" in step.body for step in steps):
        raise ValueError(f"sequence {name} never shows the {{{{consent_link}}}}")
