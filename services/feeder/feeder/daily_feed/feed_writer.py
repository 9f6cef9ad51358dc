"""Writer of the feed: slots, add requests and skips of one chunk, in the chunk's transaction."""

from collections.abc import Mapping, Sequence
from datetime import date

import orjson

from common import telemetry
from common.bus import Tx
from common.calendar.clock import Clock
from common.ids import BrokerId, LeadId
from common.scoring.score import SCORE_MODEL
from common.scoring.stored_features import read_features_of_row
from feeder.daily_feed import queries
from feeder.daily_feed.feed_chunk import FedLead
from feeder.lead_status import TRANSITIONED, transition_leads


class FeedWriter:
    """Writes what a chunk decided."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def reserve_slots(self, tx: Tx, broker_id: BrokerId, day: date, fed: Sequence[FedLead]) -> None:
        """Give each lead of *fed* a slot with the facts on which it is fed, and an add request, and make it `active`.

        Raises RuntimeError if a lead does not become `active`: its row is locked, so that is a bug.
        """
        if not fed:
            return
        lead_ids, now = [lead.lead_id for lead in fed], self._clock()
        await queries.request_adds(
            tx.connection,
            lead_ids=lead_ids,
            campaign_ids=[lead.campaign_id for lead in fed],
            hashes=[lead.value_hash for lead in fed],
            now=now,
        )
        await queries.reserve_slots(
            tx.connection,
            broker_id=broker_id,
            local_date=day,
            lead_ids=lead_ids,
            now=now,
            score_model=SCORE_MODEL,
            features=[orjson.dumps(read_features_of_row(lead.facts, day)).decode() for lead in fed],
        )
        results = set((await transition_leads(tx, lead_ids, "active", reason="fed")).values())
        if results != {TRANSITIONED}:
            raise RuntimeError(f"locked queued leads did not become active: {', '.join(sorted(results))}")

    async def record_skips(self, tx: Tx, broker_id: BrokerId, day: date, skipped: Mapping[LeadId, str]) -> None:
        """Record each lead of *skipped* with its reason. The feed does not ask about it again on *day*."""
        if not skipped:
            return
        await queries.record_skips(
            tx.connection,
            broker_id=broker_id,
            local_date=day,
            lead_ids=list(skipped),
            reasons=list(skipped.values()),
            now=self._clock(),
        )
        counter = telemetry.counter("equity_leads_skipped", "Candidates that were not fed, by reason")
        for reason in skipped.values():
            counter.add(1, {"reason": reason})
