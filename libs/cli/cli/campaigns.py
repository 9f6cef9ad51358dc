"""The campaign file: personas, sequences, and which broker's campaigns are made of them (docs/adding-a-campaign.md).

Texts have two kinds of blanks: `$name` is filled here, once; `{{name}}` is filled by Instantly for each lead. In
`{{name|text}}` the text is the fallback for leads without a value: the feeder sends it as the value, because Instantly's API
documents no fallback. So a blank has one fallback in a campaign.
"""

import unicodedata
from collections import Counter
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cli.campaign_texts import OURS, fallback, fallbacks_in, read_blanks, used_without_fallback, without_fallbacks
from cli.errors import UsageError
from common.contact_values import email_address

SHIPPED = Path(__file__).with_name("campaigns.yaml")

Timezone = Literal[
    "America/Detroit", "America/Chicago", "America/Boise", "America/Creston", "America/Anchorage", "America/Dawson"
]
"""Instantly's names for the zones of the United States; it knows no New_York, Denver or Los_Angeles (contracts §1)."""

_LONGEST_BODY = 100_000
"""Characters; mailboxes clip what is longer."""


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("there is a NUL character in it")
    return text


def _line(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("it is not one line of text")
    return text


def _said(text: str) -> str:
    read_blanks(text)
    return text


def _account(text: str) -> str:
    if (account := email_address(text)) is None:
        raise ValueError(f"{text!r} is no email account")
    return account


Account = Annotated[str, AfterValidator(_account)]
"""An email account connected at Instantly."""

Text = Annotated[str, AfterValidator(_text)]
Line = Annotated[str, Field(min_length=1), AfterValidator(_line)]
Fallback = Annotated[Line, AfterValidator(fallback)]
"""A text for leads without a value."""
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
        read_blanks(self.subject, OURS)
        if "postal_address" not in read_blanks(self.body, OURS):
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
    first_name_fallback: Fallback = Field("there", description="Greets owners without a first name: `Hello there,`.")
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

    @model_validator(mode="after")
    def _has_one_fallback_of_a_blank(self) -> Self:
        for campaign in self.campaigns:
            for persona in self.personas_of(campaign):
                self.fallbacks_of(campaign, persona)
        return self

    def personas_of(self, campaign: Campaign) -> list[Persona]:
        """The personas of *campaign*."""
        return [one for one in self.personas if campaign.personas == "all" or one.id in campaign.personas]

    def texts_of(self, campaign: Campaign, persona: Persona) -> list[str]:
        """Every text of one campaign that may have blanks."""
        emails = [text for step in self.sequences[campaign.sequence] for text in (step.subject, step.body)]
        return [*emails, persona.role, persona.opening, persona.closing]

    def fallbacks_of(self, campaign: Campaign, persona: Persona) -> dict[str, str]:
        """The fallbacks of the blanks of one campaign; those in the texts go before `first_name_fallback`."""
        return {"firstName": campaign.first_name_fallback} | fallbacks_in(self.texts_of(campaign, persona))

    def without_fallback(self) -> list[str]:
        """Blanks that many leads have no value for and that have no fallback, in the texts of any campaign."""
        pairs = [(campaign, persona) for campaign in self.campaigns for persona in self.personas_of(campaign)]
        return sorted(set[str]().union(*(used_without_fallback(self.texts_of(*pair)) for pair in pairs)))


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
            settings["fallbacks"] = file.fallbacks_of(campaign, persona)
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
    body = "<br/>".join(without_fallbacks(Template(step.body).substitute(blanks)).strip().splitlines())
    subject = " ".join(without_fallbacks(Template(step.subject).substitute(blanks)).split())
    return {"day": step.day, "subject": subject, "body": body}
