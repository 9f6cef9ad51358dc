"""Rows of `app.campaigns`, as the campaign file asks for them, for the brokers of the installation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from common.ids import BrokerId
from feeder.campaign_file.blanks import remove_fallbacks
from feeder.campaign_file.model import CampaignEntry, CampaignFile, CampaignPersona, CampaignStep
from feeder.campaign_file.reader import CampaignFileError


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """Campaign of one persona for one broker."""

    broker_id: BrokerId
    persona_id: int
    name: str
    sequence: Sequence[Mapping[str, Any]]
    """Steps: day, subject and body of each email."""
    settings: Mapping[str, Any]


def make_campaign_rows(file: CampaignFile, postal_address: str, brokers: Mapping[str, BrokerId]) -> list[CampaignRow]:
    """Return one row for each campaign, persona and broker. *brokers* are the active ones: ids by name.

    Raises CampaignFileError for a broker that is not among them.
    """
    rows = []
    for campaign, persona in file.pairs():
        steps = [_fill_step(step, persona, postal_address) for step in file.sequences[campaign.sequence]]
        settings = _make_settings(file, campaign, persona, postal_address)
        rows += [
            CampaignRow(broker_id, persona.id, campaign.name_for(persona), steps, settings)
            for broker_id in _find_broker_ids(campaign, brokers)
        ]
    return rows


def _find_broker_ids(campaign: CampaignEntry, brokers: Mapping[str, BrokerId]) -> list[BrokerId]:
    if campaign.brokers == "all":
        return list(brokers.values())
    for name in campaign.brokers:
        if name not in brokers:
            raise CampaignFileError(f"There is no active broker {name!r}.", "`equity brokers list` shows them.")
    return [brokers[name] for name in dict.fromkeys(campaign.brokers)]


def _make_settings(
    file: CampaignFile, campaign: CampaignEntry, persona: CampaignPersona, postal_address: str
) -> dict[str, Any]:
    """Return the settings of a campaign. Answers to its replies show its postal address too."""
    return {
        **campaign.schedule.model_dump(by_alias=True),
        "senders": list(dict.fromkeys(persona.senders or campaign.senders)),
        "fallbacks": file.fallbacks_of(campaign, persona),
        "postal_address": postal_address,
    }


def _fill_step(step: CampaignStep, persona: CampaignPersona, postal_address: str) -> dict[str, Any]:
    values = {
        "persona_name": persona.name,
        "persona_role": Template(persona.role).substitute(),
        "opening": Template(persona.opening).substitute(),
        "closing": Template(persona.closing).substitute(),
        "postal_address": postal_address,
    }
    body = remove_fallbacks(Template(step.body).substitute(values)).strip()
    subject = remove_fallbacks(Template(step.subject).substitute(values))
    return {"day": step.day, "subject": " ".join(subject.split()), "body": "<br/>".join(body.splitlines())}
