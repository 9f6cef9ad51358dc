"""Benchmark of the gate: decisions per second on one core, and the cost of logging them.

./dev bench gate
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from common import ids
from common.bus import Tx
from common.compliance.decision_log import DecidedContact, lock_contacts, log_decisions
from common.compliance.gate import Consent, ContactFacts, GateDecision, decide_contact
from common.compliance.time_zones import places_of_address, places_of_number
from common.geography.places import STATES
from common.ids import BrokerId, LeadId
from harness import percentile, report
from support import databases, servers

MEASURED_SECONDS = 3.0
DECISIONS_PER_ROUND = 1_000
FEED_SIZE = 250
FEEDS = 100
NOW = datetime(2026, 11, 17, 18, tzinfo=UTC)
NIGHT = NOW + timedelta(hours=12)
NUMBER, BROKER = b"n" * 32, BrokerId(UUID(int=1))
ADDRESSES = [("FL", "33755"), ("FL", "32401"), ("WA", "98101"), ("TX", "75201"), ("AZ", "86503"), ("TN", None)]
NUMBERS = ["+17275550142", "+18505550142", "+12065550142", "+12145550142", "+19285550142", "+16155550142"]

EMAIL = ContactFacts(
    channel="email", purpose="campaign", value_hash=NUMBER, suppressed=False, status="queued", deceased=False, litigator=False,
    legal_entity=False, verified=True,
    duplicate=False, decided_on_calls=False, seller=BROKER, broker_limit=FEED_SIZE, broker_used_today=0,
)  # fmt: skip
CALL = replace(
    EMAIL, channel="phone", status="replied", consents=(Consent(NUMBER, BROKER, NOW - timedelta(days=1)),), withdrawals=(),
    owner_changes=(), dnc=False, dnc_checked_at=NOW, attempts=(NOW - timedelta(days=2),),
    broker_hourly_limit=500, broker_calls=(), open_states=frozenset(STATES.values()),
    registered_states=frozenset(STATES.values()), reassigned="not_checked", number_places=places_of_number(NUMBERS[0]),
    property_places=places_of_address(*ADDRESSES[0]), mailing_places=places_of_address(*ADDRESSES[0]),
)  # fmt: skip
SPLIT = replace(
    CALL, number_places=places_of_number(NUMBERS[1]), property_places=places_of_address(*ADDRESSES[2]),
    mailing_places=places_of_address(*ADDRESSES[5]),
)  # fmt: skip


def _decide_with_look_up() -> Callable[[], object]:
    homes, numbers = cycle(ADDRESSES), cycle(NUMBERS)
    return lambda: decide_contact(
        replace(CALL, number_places=places_of_number(next(numbers)), property_places=places_of_address(*next(homes))),
        NOW,
    )


def _measure_decision(what: str, decision: Callable[[], object]) -> dict[str, Any]:
    decision()
    done, cpu, started = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - started < MEASURED_SECONDS:
        for _ in range(DECISIONS_PER_ROUND):
            decision()
        done += DECISIONS_PER_ROUND
    taken, spent = time.perf_counter() - started, time.process_time() - cpu
    return {"what": what, "decisions a second": int(done / taken), "CPU us each": spent / done * 1e6}


async def _measure_logging() -> list[dict[str, Any]]:
    """Measure locking and logging the decisions of a feed in one transaction, against an empty transaction."""
    with (
        tempfile.TemporaryDirectory(prefix="equity-bench-") as name,
        servers.start_own_servers(Path(name)),
        databases.create_database() as database,
    ):
        feeder = await asyncpg.connect(database.dsn("feeder"))
        rows: list[dict[str, Any]] = []
        for what, size in (("bare transaction", 0), (f"lock and log {FEED_SIZE} decisions", FEED_SIZE)):
            taken = [await _time_feed(feeder, size) for _ in range(FEEDS)]
            rows.append({"what": what, "median ms": percentile(taken, 0.5), "p95 ms": percentile(taken, 0.95)})
        await feeder.close()
    rows[1]["times a bare transaction"] = rows[1]["median ms"] / rows[0]["median ms"]
    rows[1]["decisions a second"] = int(FEED_SIZE / rows[1]["median ms"] * 1_000)
    return rows


async def _time_feed(feeder: asyncpg.Connection, size: int) -> float:
    contacts = [
        DecidedContact(LeadId(ids.new_id()), "email", "campaign", os.urandom(32), GateDecision(())) for _ in range(size)
    ]
    started = time.perf_counter()
    async with feeder.transaction():
        await feeder.fetchval("select 1")
        if contacts:
            tx = Tx(feeder, "feeder")
            await lock_contacts(tx, [contact.value_hash for contact in contacts if contact.value_hash])
            await log_decisions(tx, contacts)
    return (time.perf_counter() - started) * 1_000


def main() -> None:
    """Measure the pure function, then the logging of its decisions."""
    rows = [
        _measure_decision("email, allowed", lambda: decide_contact(EMAIL, NOW)),
        _measure_decision("call, allowed, one clock", lambda: decide_contact(CALL, NOW)),
        _measure_decision("call, allowed, five clocks", lambda: decide_contact(SPLIT, NOW + timedelta(hours=1))),
        _measure_decision("call, refused at night until morning", lambda: decide_contact(SPLIT, NIGHT)),
        _measure_decision("call, allowed, with places looked up", _decide_with_look_up()),
    ]
    assert decide_contact(EMAIL, NOW).is_allowed
    assert decide_contact(SPLIT, NOW + timedelta(hours=1)).is_allowed
    assert not decide_contact(SPLIT, NIGHT).is_allowed
    logged = asyncio.run(_measure_logging())
    report("the gate", rows + logged, cpu_us={row["what"]: round(row["CPU us each"], 2) for row in rows})


if __name__ == "__main__":
    main()
