"""Metrics of the alert rules: running services export them at `/metrics`, with their labels."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import asyncpg
from prometheus_client.parser import text_string_to_metric_families

from support.alerts import Selector, load_rules, parse_selectors
from support.installation import Installation, Spawned

SERVICES = ("gateway", "recorder", "skiptrace", "feeder", "consent", "replies")
EXPORTED_AFTER_AN_EVENT = {
    "equity_skiptrace_leads_total", "equity_vendor_circuit_open", "equity_vendor_backoffs_total",
    "equity_consumer_pauses_total", "equity_offsets_out_of_range_total", "equity_undecodable_batches_total",
    "equity_email_links_dead", "equity_webhook_subscriptions", "equity_webhook_subscription_resumes_total",
    "equity_reply_reconciliation_lag_seconds", "equity_reply_answers_total",
}  # fmt: skip
"""Metrics that exist only after the first traced lead, the first backoff or failure, or with a key of Instantly."""


def is_exported(selector: Selector, samples: list[Any]) -> bool:
    wanted = {name: value for name, operator, value in selector.labels if operator == "MatchOp.Equal"}
    return any(one.name == selector.metric and wanted.items() <= one.labels.items() for one in samples)


async def test_running_services_export_the_metrics_of_the_rules(
    spawn: Callable[..., Awaitable[Spawned]], installation: Installation
) -> None:
    db = await asyncpg.connect(installation.database.superuser_dsn)
    await db.execute(
        """insert into pipeline.pipeline_dlq (source, consumer, event_id) values ('x', 'x', gen_random_uuid());
        insert into svc_ingest.outbox_rejected (id, topic, headers, created_at, reason) values (1, 'x', '', now(), 'x')"""
    )
    await db.close()
    process = await spawn(*SERVICES, MELISSA_LICENSE_KEY="test", MELISSA_URL="http://127.0.0.1:1")
    wanted = [
        one
        for rule in load_rules()
        for one in parse_selectors(rule["expr"])
        if one.metric not in EXPORTED_AFTER_AN_EVENT
    ]
    missing: list[Selector] = wanted
    async with aiohttp.ClientSession() as client:
        for _ in range(300):
            async with client.get(f"{process.health}/metrics") as answer:
                families = text_string_to_metric_families(await answer.text())
            samples = [sample for family in families for sample in family.samples]
            missing = [one for one in wanted if not is_exported(one, samples)]
            if not missing:
                break
            await asyncio.sleep(0.2)
    assert missing == [], ", ".join(sorted(one.metric for one in missing))
    measured = {sample.name: sample.value for sample in samples}
    assert measured["equity_outbox_rejected_rows"] == 1
    assert measured["equity_dead_letter_depth"] == 1
