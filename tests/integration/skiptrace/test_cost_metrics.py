"""Cost metrics agree with the charges of the vendors, with any fault."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from sandbox.app import Sandbox
from support.installation import Spawned
from support.vendors import SETTINGS, SandboxClient

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Spawn = Callable[..., Awaitable[Spawned]]
LEADS = 120
PRICES = {"melissa": 3, "batchdata": 10, "batchdata_dnc": 1, "batchdata_tcpa": 1}
CHARGED_AS = {
    "melissa": ("melissa", "verify"),
    "batchdata": ("batchdata", "skip_trace"),
    "batchdata_dnc": ("batchdata", "phone_dnc"),
    "batchdata_tcpa": ("batchdata", "phone_tcpa"),
}
FAULTS: list[dict[str, Any]] = [
    {"vendor": "melissa", "kind": "rate_limited", "times": 1},
    {"vendor": "melissa", "kind": "lost_answer", "seconds": 0, "after": 1, "times": 1},
    {"vendor": "batchdata", "kind": "server_error", "status": 503, "operation": "skip_trace", "times": 2},
    {"vendor": "batchdata", "kind": "broken_json", "operation": "skip_trace", "after": 3, "times": 1},
    {"vendor": "batchdata", "kind": "wrong_types", "operation": "phone_dnc", "times": 1},
    {"vendor": "batchdata", "kind": "duplicates", "operation": "phone_dnc", "after": 1},
    {"vendor": "batchdata", "kind": "reset", "operation": "phone_tcpa", "times": 1},
]


async def test_metrics_agree_with_the_vendors_charges_and_the_request_log(
    running: Running, spawn: Spawn, funnel: Any, sandbox: Sandbox, many_homes: Callable[..., list[Any]]
) -> None:
    async with aiohttp.ClientSession() as client, running("ingest"):
        sandbox_client = SandboxClient(sandbox.url, client)
        for fault in FAULTS:
            await sandbox_client.call_control_api("POST", "faults", fault)
        skiptrace = await spawn("skiptrace", **environment(sandbox))
        await funnel.send(*many_homes(LEADS))
        await funnel.until(lambda: _count_outcomes(funnel), LEADS, seconds=90)
        async with client.get(f"{skiptrace.health}/metrics") as answer:
            cents, records = read_costs(await answer.text())
        charges = {
            vendor: (await sandbox_client.fetch_charges(vendor))["operations"] for vendor in ("melissa", "batchdata")
        }
    for provider, price in PRICES.items():
        vendor, operation = CHARGED_AS[provider]
        charged = charges[vendor].get(operation, 0) * price
        answered, unknown = cents[provider, "answered"], cents[provider, "unknown"]
        assert 0 < answered <= charged <= answered + unknown, provider
        assert charged == answered or unknown, provider
    assert cents["batchdata_tcpa", "unknown"] > 0
    assert all(cost == 0 for (_, outcome), cost in cents.items() if outcome == "failed")
    ours = await funnel.db.fetch(
        "select provider, outcome, sum(cost_cents) as cents, sum(records) as records from app.skip_trace_requests group by 1, 2"
    )
    assert {(row["provider"], row["outcome"]): (row["cents"], row["records"]) for row in ours} == {
        key: (cents[key], records[key]) for key in records
    }


def environment(sandbox: Sandbox) -> dict[str, str]:
    return {
        "MELISSA_URL": f"{sandbox.url}/melissa",
        "MELISSA_LICENSE_KEY": SETTINGS.sandbox_melissa_license.get_secret_value(),
        "MELISSA_RECORDS_PER_SECOND": "200",
        "MELISSA_BATCH": "40",
        "BATCHDATA_URL": f"{sandbox.url}/batchdata",
        "BATCHDATA_TOKEN": SETTINGS.sandbox_batchdata_token.get_secret_value(),
        "BATCHDATA_BATCH": "5",
        "SKIPTRACE_CALL_SECONDS": "2",
        "SKIPTRACE_FIRST_BACKOFF_SECONDS": "0.1",
    }


def read_costs(text: str) -> tuple[defaultdict[tuple[str, str], float], defaultdict[tuple[str, str], float]]:
    """Return cents and records by provider and outcome."""
    found: dict[str, defaultdict[tuple[str, str], float]] = defaultdict(lambda: defaultdict(float))
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if (
                sample.name.startswith("equity_skiptrace_")
                and "outcome" in sample.labels
                and "provider" in sample.labels
            ):
                found[sample.name][sample.labels["provider"], sample.labels["outcome"]] += sample.value
    return found["equity_skiptrace_cents_total"], found["equity_skiptrace_records_total"]


async def _count_outcomes(funnel: Any) -> int:
    events = [await funnel.events(name) for name in ("lead_verified", "lead_unverifiable")]
    return len({event["lead_id"] for some in events for event in some})
