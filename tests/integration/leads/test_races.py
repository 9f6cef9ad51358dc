"""Two operators at once: each lead changes once and has one event."""

import asyncio
from collections.abc import Sequence
from typing import Any

from support.commandline import Equity
from support.leads import LeadFixture

REASON = ("--reason", "asked by phone", "--yes", "--json")
WAITING = "select count(*) from pg_stat_activity where usename = 'equity_operator' and wait_event_type = 'Lock'"


async def run_at_once(equity: Equity, leads: LeadFixture, *commands: Sequence[object]) -> list[Any]:
    """Run *commands* so that all wait for the same rows, and return their counts."""
    async with leads.db.transaction():
        await leads.db.execute("select from app.leads for update")
        started = [asyncio.create_task(equity.soon("leads", *command, *REASON)) for command in commands]
        async with asyncio.timeout(60):
            while await leads.db.fetchval(WAITING) < len(commands):
                await asyncio.sleep(0.05)
                await leads.db.execute("select pg_stat_clear_snapshot()")
    return [(await command).ok().json["counts"] for command in started]


async def test_two_pauses_at_once_change_each_lead_once(equity: Equity, leads: LeadFixture) -> None:
    added = [await leads.add(status="queued") for _ in range(20)]
    counts = await run_at_once(equity, leads, ("pause", *added), ("pause", *added[::-1]))
    assert sorted(counts, key=str) == [{"already": 20}, {"transitioned": 20}]
    assert await leads.outbox_topics("feeder") == ["funnel.lead_paused"] * 20


async def test_a_pause_and_a_resume_at_once_follow_one_another(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(status="paused", paused_from="queued")
    paused, resumed = await run_at_once(equity, leads, ("pause", lead), ("resume", lead))
    assert resumed == {"transitioned": 1}
    was_paused_again = paused == {"transitioned": 1}
    assert await leads.status(lead) == ("paused" if was_paused_again else "queued")
    assert len(await leads.outbox_topics("feeder")) == 1 + was_paused_again
