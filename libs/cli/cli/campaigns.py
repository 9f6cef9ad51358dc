"""The campaign file: personas, sequences, and which broker's campaigns are made of them (docs/adding-a-campaign.md).

Texts have two kinds of blanks: `$name` is filled here, once; `{{name}}` is filled by Instantly for each lead.
"""

import re
from collections import Counter
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cli.errors import UsageError
from common.contact_values import email_address

SHIPPED = Path(__file__).with_name("campaigns.yaml")

OURS = frozenset({"persona_name", "persona_role", "opening", "closing", "postal_address"})
"""Blanks that are filled when the file is read."""

THEIRS = frozenset(
    {"firstName", "lastName", "lead_id", "consent_link", "opt_out_link", "property_address", "property_city",
     "property_state", "est_value", "est_equity", "broker_name", "persona_name"}
)  # fmt: skip
"""Blanks that Instantly fills: its own fields, and the custom variables that the feeder sends."""

Timezone = Literal[
    "America/Detroit", "America/Chicago", "America/Boise", "America/Creston", "America/Anchorage", "America/Dawson"
]
"""Instantly's names for the zones of the United States; it knows no New_York, Denver or Los_Angeles (contracts §1)."""

_BLANK = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def _account(text: str) -> str:
    if (account := email_address(text)) is None:
        raise ValueError(f"{text!r} is no email account")
    return account


Account = Annotated[str, AfterValidator(_account)]
"""An email account connected at Instantly."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Model):
    """One email of a sequence. *day* counts from 1, the day the sequence begins."""

    day: int = Field(ge=1, le=60)
    subject: str = Field(min_length=1, max_length=200)
    body: str

    @model_validator(mode="after")
    def _is_lawful_and_complete(self) -> Self:
        """CAN-SPAM (15 U.S.C. 7704(a)(5)): every email has a postal address and a way to opt out."""
        if "$postal_address" not in self.body:
            raise ValueError("the body has no $postal_address")
        if "{{opt_out_link}}" not in self.body:
            raise ValueError("the body has no {{opt_out_link}}")
        unknown = set(_BLANK.findall(self.subject + self.body)) - THEIRS
        if unknown:
            raise ValueError(f"nobody fills {', '.join(sorted(unknown))}")
        ours = Template(f"{self.subject}\n{self.body}")
        if not ours.is_valid():
            raise ValueError("a dollar sign is written $$")
        unknown = set(ours.get_identifiers()) - OURS
        if unknown:
            raise ValueError(f"nobody fills ${', $'.join(sorted(unknown))}")
        return self


class Persona(_Model):
    """Who signs the emails of one campaign, and how she or he writes."""

    id: int = Field(ge=1)
    name: str = Field(min_length=1, max_length=80)
    role: str
    opening: str
    closing: str
    senders: tuple[Account, ...] = Field((), description="Email accounts at Instantly that send for this persona.")


class Schedule(_Model):
    """The hours of Monday to Friday in which Instantly sends."""

    timezone: Timezone = "America/Detroit"
    opens: str = Field("09:00", alias="from", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    closes: str = Field("17:00", alias="to", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")


class Campaign(_Model):
    """A campaign for each of *personas* at each of *brokers*; `all` means every one, of brokers every active one."""

    name: str = Field(min_length=1, max_length=60)
    sequence: str
    personas: Literal["all"] | tuple[int, ...] = "all"
    brokers: Literal["all"] | tuple[str, ...] = "all"
    schedule: Schedule = Schedule()
    senders: tuple[Account, ...] = Field((), description="Accounts that send for personas without any of their own.")


class CampaignFile(_Model):
    """The whole file."""

    personas: tuple[Persona, ...]
    sequences: dict[str, Annotated[tuple[Step, ...], Field(min_length=1, max_length=10)]]
    campaigns: tuple[Campaign, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        ids = [persona.id for persona in self.personas]
        if len(set(ids)) < len(ids) or len({persona.name for persona in self.personas}) < len(ids):
            raise ValueError("two personas have one id or name")
        for name, steps in self.sequences.items():
            days = [step.day for step in steps]
            if days != sorted(set(days)) or days[0] != 1:
                raise ValueError(f"the days of sequence {name} do not rise from 1")
            if not any("{{consent_link}}" in step.body for step in steps):
                raise ValueError(f"sequence {name} never shows the {{{{consent_link}}}}")
        for campaign in self.campaigns:
            if campaign.sequence not in self.sequences:
                raise ValueError(f"there is no sequence {campaign.sequence}")
            if campaign.personas != "all" and not set(campaign.personas) <= set(ids):
                raise ValueError(f"campaign {campaign.name} names a persona that is not there")
        names = Counter(name_of(campaign, one) for campaign in self.campaigns for one in self.personas_of(campaign))
        if twice := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"two campaigns are named {twice[0]!r}")
        return self

    def personas_of(self, campaign: Campaign) -> list[Persona]:
        """The personas of *campaign*."""
        return [one for one in self.personas if campaign.personas == "all" or one.id in campaign.personas]


def name_of(campaign: Campaign, persona: Persona) -> str:
    """What the campaign of one persona is called."""
    return f"{campaign.name} - {persona.name}"


def without_senders(file: CampaignFile) -> list[str]:
    """Campaigns that no account sends for, by campaign and persona: Instantly takes members and sends them nothing."""
    return [
        name_of(campaign, persona)
        for campaign in file.campaigns
        for persona in file.personas_of(campaign)
        if not (persona.senders or campaign.senders)
    ]


def load(path: Path) -> CampaignFile:
    """The file at *path*. Raises UsageError that says where it is not as it must be."""
    try:
        return CampaignFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{path} cannot be read.", "Name a campaign file; see docs/adding-a-campaign.md.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text.", "Save it as UTF-8.") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML: {error}") from error
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in error.errors()]
        raise UsageError(f"{path} is not a campaign file: {'; '.join(problems[:3])}.") from error


def rows(file: CampaignFile, postal_address: str, brokers: dict[str, Any]) -> list[dict[str, Any]]:
    """What `campaigns` should hold for *brokers* (id by name): one row for each campaign, persona and broker."""
    made = []
    for campaign in file.campaigns:
        wanted = brokers if campaign.brokers == "all" else {name: _broker(brokers, name) for name in campaign.brokers}
        for persona in file.personas_of(campaign):
            sequence = [_filled(step, persona, postal_address) for step in file.sequences[campaign.sequence]]
            senders = list(dict.fromkeys(persona.senders or campaign.senders))
            settings = campaign.schedule.model_dump(by_alias=True) | {"senders": senders}
            made += [
                {
                    "broker_id": broker,
                    "persona_id": persona.id,
                    "name": name_of(campaign, persona),
                    "sequence": sequence,
                    "settings": settings,
                }
                for broker in wanted.values()
            ]
    return made


def _broker(brokers: dict[str, Any], name: str) -> Any:
    if name not in brokers:
        raise UsageError(f"There is no active broker {name!r}.", "`equity brokers list` shows them.")
    return brokers[name]


def _filled(step: Step, persona: Persona, postal_address: str) -> dict[str, Any]:
    blanks = {
        "persona_name": persona.name,
        "persona_role": persona.role,
        "opening": persona.opening,
        "closing": persona.closing,
        "postal_address": postal_address,
    }
    body = Template(step.body).substitute(blanks).strip().replace("\n", "<br/>")
    return {"day": step.day, "subject": Template(step.subject).substitute(blanks), "body": body}
