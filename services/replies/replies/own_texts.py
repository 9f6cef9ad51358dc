"""Sentences of our emails, which replies quote: texts of campaigns, and of answers (docs/replies.md, New text)."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

import orjson

from common.database import Database
from replies import queries
from replies.answers.templates import list_answer_bodies
from replies.queries import CampaignTexts
from replies.text.own_sentences import OwnSentences

CACHED_CAMPAIGNS = 256
RECENT_CAMPAIGNS = 50
"""Campaigns whose texts are compared where a webhook names none of ours."""


class OwnTexts:
    """Cache of our sentences by campaign and version."""

    def __init__(self, database: Database, postal_address: str | None = None) -> None:
        """Fill in *postal_address* where a campaign has none."""
        self._database = database
        self._postal_address = postal_address
        self._cache: OrderedDict[tuple[object, ...], OwnSentences] = OrderedDict()

    async def load(self, vendor_campaign_id: str | None) -> OwnSentences:
        """Return the sentences of the campaign; those of recent campaigns where it is none of ours."""
        async with self._database.connection() as connection:
            found = None
            if vendor_campaign_id:
                found = await queries.find_campaign(connection, vendor_campaign_id=vendor_campaign_id)
            campaigns = (
                [found] if found else await queries.list_recent_campaigns(connection, page_size=RECENT_CAMPAIGNS)
            )
        key = tuple((campaign.id, campaign.version) for campaign in campaigns)
        if key not in self._cache:
            addresses = {campaign.postal_address or self._postal_address for campaign in campaigns}
            answers = [body for address in addresses or {None} for body in list_answer_bodies(address)]
            bodies = [*_read_bodies(campaigns), *answers]
            self._cache[key] = await asyncio.to_thread(OwnSentences.of, bodies)
            while len(self._cache) > CACHED_CAMPAIGNS:
                self._cache.popitem(last=False)
        return self._cache[key]


def _read_bodies(campaigns: Iterable[CampaignTexts]) -> list[str]:
    """Return the bodies of all steps, each once."""
    steps = [step for campaign in campaigns for step in orjson.loads(campaign.sequence)]
    bodies = [str(step["body"]) for step in steps if isinstance(step, dict) and step.get("body")]
    return list(dict.fromkeys(bodies))
