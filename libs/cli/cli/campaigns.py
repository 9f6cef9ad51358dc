"""The campaign file: personas, sequences, and which broker's campaigns are made of them (docs/adding-a-campaign.md).

Texts have two kinds of blanks: `$name` is filled here, once; `{{name}}` is filled by Instantly for each lead.
"""

import re
import unicodedata
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

_FILLED = frozenset("{{" + name + "}}" for name in THEIRS)
_BRACES = re.compile(r"\{\{[^{}]*\}{0,2}|\}\}|(?<!\$)\{\w+\}")
"""What is a blank of Instantly's, or was meant as one."""

_LONGEST_BODY = 100_000
"""Characters; mailboxes clip what is longer."""


def _blanks(text: str, ours: frozenset[str] = frozenset()) -> frozenset[str]:
    """Those of *ours* that *text* leaves blank. Raises ValueError for a blank that nobody fills."""
    template = Template(text)
    if not template.is_valid():
        raise ValueError("a dollar sign is written $$")
    named = frozenset(template.get_identifiers())
    nobodys = {f"${name}" for name in named - ours} | {found[:40] for found in _BRACES.findall(text)} - _FILLED
    if nobodys:
        raise ValueError(f"nobody fills {', '.join(sorted(nobodys))}")
    return named


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("there is a NUL character in it")
    return text


def _line(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("it is not one line of text")
    return text


def _said(text: str) -> str:
    _blanks(text)
    return text


def _account(text: str) -> str:
    if (account := email_address(text)) is None:
        raise ValueError(f"{text!r} is no email account")
    return account


Account = Annotated[str, AfterValidator(_account)]
"""An email account connected at Instantly."""

Text = Annotated[str, AfterValidator(_text)]
Line = Annotated[str, Field(min_length=1), AfterValidator(_line)]
Said = Annotated[Text, Field(max_length=2_000), AfterValidator(_said)]
"""What a persona says: it fills a blank, and so has none of ours itself."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Step(_Model):
    """One email of a sequence. *day* counts from 1, the day the sequence begins."""

    day: int = Field(ge=1, le=60)
    subject: Line = Field(max_length=200)
    body: Text = Field(max_length=_LONGEST_BODY)

    @model_validator(mode="after")
    def _is_lawful_and_complete(self) -> Self:
        """CAN-SPAM (15 U.S.C. 7704(a)(5)): every email has a postal address and a way to opt out."""
        _blanks(self.subject, OURS)
        if "postal_address" not in _blanks(self.body, OURS):
            raise ValueError("the body has no $postal_address")
        if "{{opt_out_link}}" not in self.body:
            raise ValueError("the body has no {{opt_out_link}}")
        return self


class Persona(_Model):
    """Who signs the emails of one campaign, and how she or he writes."""

    id: int = Field(ge=1, le=2**31 - 1)
    name: Line = Field(max_length=80)
    role: Said
    opening: Said
    closing: Said
    senders: tuple[Account, ...] = Field((), description="Email accounts at Instantly that send for this persona.")


class Schedule(_Model):
    """The hours of Monday to Friday in which Instantly sends."""

    timezone: Timezone = "America/Detroit"
    opens: str = Field("09:00", alias="from", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    closes: str = Field("17:00", alias="to", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"nothing is ever sent from {self.opens} to {self.closes}")
        return self


class Campaign(_Model):
    """A campaign for each of *personas* at each of *brokers*; `all` means every one, of brokers every active one."""

    name: Line = Field(max_length=60)
    sequence: str
    personas: Literal["all"] | Annotated[tuple[int, ...], Field(min_length=1)] = "all"
    brokers: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)] = "all"
    schedule: Schedule = Schedule()
    senders: tuple[Account, ...] = Field((), description="Accounts that send for personas without any of their own.")


class CampaignFile(_Model):
    """The whole file."""

    personas: tuple[Persona, ...]
    sequences: dict[str, Annotated[tuple[Step, ...], Field(min_length=1, max_length=10)]]
    campaigns: tuple[Campaign, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not (self.personas and self.campaigns):
            raise ValueError("without a persona and a campaign there is nothing to send")
        ids = [persona.id for persona in self.personas]
        if len(set(ids)) < len(ids) or len({persona.name.casefold() for persona in self.personas}) < len(ids):
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


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice, and hours, days, numbers, yes and no are the text that they look like."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_MEANT = {"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag in _MEANT]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path) -> CampaignFile:
    """The file at *path*. Raises UsageError that says where it is not as it must be."""
    advice = "docs/adding-a-campaign.md explains every field."
    try:
        return CampaignFile.model_validate(yaml.load(path.read_text(encoding="utf-8"), _Loader))  # noqa: S506 - it is a SafeLoader
    except OSError as error:
        raise UsageError(f"{path} cannot be read.", "Name a campaign file; see docs/adding-a-campaign.md.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text.", "Save it as UTF-8.") from error
    except ValidationError as error:
        problems = [_told(".".join(map(str, one["loc"])) or "file", one["msg"]) for one in error.errors()]
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""  # noqa: PLR2004 - three are read
        raise UsageError(f"{path} is not a campaign file: {'; '.join(problems[:3])}{more}.", advice) from error
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is no YAML: {error}", advice) from error


def _told(place: str, message: str) -> str:
    return f"{place}: {message.removeprefix('Value error, ')}"


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
        "persona_role": Template(persona.role).substitute(),
        "opening": Template(persona.opening).substitute(),
        "closing": Template(persona.closing).substitute(),
        "postal_address": postal_address,
    }
    body = "<br/>".join(Template(step.body).substitute(blanks).strip().splitlines())
    subject = " ".join(Template(step.subject).substitute(blanks).split())
    return {"day": step.day, "subject": subject, "body": body}
