"""The feed: each broker's best leads into campaigns, up to the broker's limit of the day (design §7, hazards S21).

A chunk is one transaction: the broker's row is locked, slots are counted, the gate is asked, and who may be written to takes a
slot, becomes `active` and is wanted in a campaign, all or nothing. So whatever replicas, restarts and kills there are, no
broker gets more than its limit and no lead comes twice. Nobody is called here: the reconciler speaks to Instantly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.business_time import business_date
from common.clock import Clock
from common.database import load_queries
from common.decisions import DecidedContact, lock_contacts, log_decisions
from feeder.pacing import FeedCalendar
from feeder.permission import Sender, ask
from feeder.settings import FeederSettings
from feeder.split import campaign_for

log = structlog.get_logger()
queries = load_queries(__file__)

SPARE = 30
"""Candidates looked at beyond the room that is left, for those whom the gate refuses."""
AT_ONCE = 500
"""Leads that one transaction feeds at the most: each holds a lock, of which PostgreSQL has some thousands for everybody."""
NO_ADDRESS = "no_verified_email"


class FeedError(RuntimeError):
    """Some brokers could not be fed; the others were."""

    def __init__(self, brokers: Sequence[UUID]) -> None:
        super().__init__(
            f"{len(brokers)} brokers were not fed, the first is {brokers[0]}: see `broker_not_fed` in the log"
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one transaction did for one broker, and why it ended: `stop` is None where there may be more to do."""

    fed: list[tuple[UUID, UUID]] = field(default_factory=list)
    """Lead and campaign."""
    held: dict[UUID, str] = field(default_factory=dict)
    stale: frozenset[UUID] = frozenset()
    """Leads that left the line after the list was made; whoever takes the next chunk names them in `besides`."""
    stop: str | None = None
    chosen: frozenset[bytes] = frozenset()
    """The addresses of those who are fed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is not in the database: who was looked at, and in a preview also whose addresses were chosen."""

    leads: frozenset[UUID] = frozenset()
    addresses: frozenset[bytes] = frozenset()
    fed: int = 0


class Feed:
    """Feeds brokers; every replica may, at any time."""

    def __init__(self, bus: Bus, settings: FeederSettings, clock: Clock) -> None:
        self._bus = bus
        self._settings = settings
        self._clock = clock
        self.window = timedelta(hours=settings.feed_window_hours)

    async def run(self) -> None:
        """Feed every active broker for the business date of now. Raises FeedError when some could not be fed."""
        day, failed = business_date(self._clock()), []
        async with self._bus.database.connection() as connection:
            brokers = [row["id"] async for row in queries.active_brokers(connection)]
        for broker_id in brokers:
            try:
                await self.feed_broker(broker_id, day)
            except Exception as error:  # noqa: BLE001 - one broker's fault must not keep the others' leads
                log.warning("broker_not_fed", broker_id=str(broker_id), error=type(error).__name__)
                failed.append(broker_id)
        if failed:
            raise FeedError(failed)

    async def feed_broker(self, broker_id: UUID, day: date) -> int:
        """Fill the broker's limit of *day*; how many leads were fed now."""
        total, stale = 0, frozenset[UUID]()
        while True:
            chunk = await self._bus.transact(partial(self.feed_chunk, broker_id=broker_id, day=day, besides=stale))
            total, stale = total + len(chunk.fed), stale | chunk.stale
            if chunk.stop:
                break
        counter = telemetry.counter("equity_leads_fed", "Leads that took a slot of their broker's limit")
        counter.add(total)
        log.info("broker_fed", broker_id=str(broker_id), day=str(day), fed=total, because=chunk.stop)
        return total

    async def feed_chunk(self, tx: Tx, *, broker_id: UUID, day: date, besides: frozenset[UUID] = frozenset()) -> Chunk:
        """Feed as many leads as one transaction should, none of *besides*; see the module."""
        broker = await queries.lock_broker(tx.connection, broker_id=broker_id)
        return await self._chunk(tx, broker, broker_id, day, Seen(besides), writes=True)

    async def look(self, tx: Tx, *, broker_id: UUID, day: date, seen: Seen) -> Chunk:
        """What the next chunk would be after what was *seen*. It takes no lock and writes nothing."""
        broker = await queries.read_broker(tx.connection, broker_id=broker_id)
        return await self._chunk(tx, broker, broker_id, day, seen, writes=False)

    async def _chunk(self, tx: Tx, broker: Any, broker_id: UUID, day: date, seen: Seen, *, writes: bool) -> Chunk:
        if broker is None or not broker["active"]:
            return Chunk(stop="broker_inactive")
        if not self._calendar(broker).feeds_on(day):
            return Chunk(stop="day_off")
        if writes and day != business_date(self._clock()):  # a process that stood still: these slots would reach nobody
            return Chunk(stop="day_over")
        taken = await queries.count_slots(tx.connection, broker_id=broker_id, local_date=day)
        taken += seen.fed
        limit = broker["daily_limit"]
        if taken >= limit:
            return Chunk(stop="limit_reached")
        sender = Sender(broker["name"], limit, taken, seen.addresses)
        return await self._choose(tx, broker_id, day, sender, seen.leads, writes=writes)

    def _calendar(self, broker: Any) -> FeedCalendar:
        own = broker["feed_on_holidays"]
        on_holidays = self._settings.feed_on_holidays if own is None else own
        return FeedCalendar(broker["feed_weekdays"], on_holidays, broker["days_off"])

    async def _choose(
        self, tx: Tx, broker_id: UUID, day: date, sender: Sender, besides: frozenset[UUID], *, writes: bool
    ) -> Chunk:
        campaigns = [row["id"] async for row in queries.ready_campaigns(tx.connection, broker_id=broker_id)]
        if not campaigns:
            return Chunk(stop="no_campaign")
        many = min(sender.limit - sender.used, AT_ONCE) + SPARE
        listed = queries.list_candidates(
            tx.connection, broker_id=broker_id, local_date=day, many=many, besides=list(besides)
        )
        candidates = [row["id"] async for row in listed]
        if not candidates:
            return Chunk(stop="list_exhausted")
        in_line = await self._in_line(tx, broker_id, candidates)
        known = {lead_id: value for lead_id in candidates if (value := in_line.get(lead_id))}
        ours = await self._lock(tx, broker_id, known) if writes else known
        asked = await ask(tx, ours, sender, self._clock(), requires_consent=self._settings.feed_requires_consent)
        held = {lead_id: NO_ADDRESS for lead_id, value in in_line.items() if not value}
        held |= {answer.contact.lead_id: answer.held for answer in asked if answer.held}
        held = {lead_id: held[lead_id] for lead_id in candidates if lead_id in held}
        allowed = [answer.contact for answer in asked if not answer.held]
        fed = [(answer.lead_id, campaign_for(answer.lead_id, campaigns)) for answer in allowed]
        if writes:
            await log_decisions(tx, [answer.contact for answer in asked])
            await self._take_slots(tx, broker_id, day, allowed, fed)
            await self._hold(tx, broker_id, day, held)
        chosen = frozenset(answer.value_hash for answer in allowed if answer.value_hash)
        stale = frozenset(candidates) - in_line.keys()
        return Chunk(fed, held, stale, None if fed or held or stale else "all_locked", chosen)

    async def _lock(self, tx: Tx, broker_id: UUID, before: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
        """Lock addresses first and leads second, as whoever suppresses does, so that the two never deadlock; what is ours then."""
        await lock_contacts(tx, before.values())
        rows = queries.lock_candidates(tx.connection, lead_ids=sorted(before), broker_id=broker_id)
        now = await self._in_line(tx, broker_id, [row["id"] async for row in rows])
        return {lead_id: value for lead_id, value in before.items() if now.get(lead_id) == value}

    async def _in_line(self, tx: Tx, broker_id: UUID, lead_ids: Sequence[UUID]) -> dict[UUID, bytes | None]:
        rows = queries.addresses_in_line(tx.connection, lead_ids=list(lead_ids), broker_id=broker_id)
        return {row["lead_id"]: row["value_hash"] async for row in rows}

    async def _take_slots(
        self, tx: Tx, broker_id: UUID, day: date, allowed: Sequence[DecidedContact], fed: Sequence[tuple[UUID, UUID]]
    ) -> None:
        if not allowed:
            return
        leads, now = [answer.lead_id for answer in allowed], self._clock()
        await queries.want_in(
            tx.connection,
            lead_ids=leads,
            campaign_ids=[campaign for _, campaign in fed],
            hashes=[answer.value_hash for answer in allowed],
            now=now,
        )
        await queries.reserve_slots(tx.connection, broker_id=broker_id, local_date=day, lead_ids=leads, now=now)
        moves = queries.move_leads(tx.connection, lead_ids=leads, to_status="active", because="fed")
        results = {row["result"] async for row in moves}
        if results != {"moved"}:
            raise RuntimeError(f"locked leads in line did not become active: {', '.join(sorted(results))}")

    async def _hold(self, tx: Tx, broker_id: UUID, day: date, held: Mapping[UUID, str]) -> None:
        if not held:
            return
        await queries.hold(
            tx.connection,
            broker_id=broker_id,
            local_date=day,
            lead_ids=list(held),
            reasons=list(held.values()),
            now=self._clock(),
        )
        counter = telemetry.counter("equity_leads_held", "Leads on the list that were not fed, by reason")
        for reason in held.values():
            counter.add(1, {"reason": reason})
