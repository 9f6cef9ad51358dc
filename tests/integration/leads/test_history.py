"""The event of a change reaches Kafka and the history, where `equity leads show` names the user and the reason."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from support.commandline import Equity
from support.installation import Installation
from support.leads import LeadFixture


async def test_a_change_is_in_the_history_with_user_and_reason(
    installation: Installation,
    running: Callable[..., AbstractAsyncContextManager[list[Any]]],
    equity: Equity,
    leads: LeadFixture,
) -> None:
    lead = await leads.add(status="queued")
    broker = await leads.db.fetchval("insert into app.brokers (name) values ('Ruiz') returning id")
    async with running("feeder", "ingest", "recorder"):
        for command in (("pause",), ("resume",), ("reassign", "--to", str(broker))):
            (await equity.soon("leads", *command, lead, "--reason", "called by phone")).ok()
        async with asyncio.timeout(60):
            while await leads.db.fetchval("select count(*) from app.pipeline_events where lead_id = $1", lead) < 3:
                await asyncio.sleep(0.1)
    page = (await equity.soon("leads", "show", lead, "--json")).ok().json
    seen = {(event["event_type"], event["outcome"], event["source"], event["purpose"]) for event in page["history"]}
    assert seen == {
        ("lead_paused", "queued", "feeder", "called by phone"),
        ("lead_resumed", "queued", "feeder", "called by phone"),
        ("lead_reassigned", "reassigned", "ingest", "called by phone"),
    }
    assert all(event["actor"] for event in page["history"])
