"""Result of the demo's feed: counts, the state of the sandbox's Instantly, and the cost of tracing."""

from datetime import date
from typing import Any

from cli.demo.feed_run import FeedRun
from cli.demo.sandbox_setup import SandboxSetup
from cli.shell.database import Row, fetch_rows
from cli.shell.settings import CliSettings
from common.database import load_queries
from common.pii.keyring import Keyring

queries = load_queries(__file__)

_OPERATION_PREFIXES = {
    "melissa": "verify",
    "batchdata": "skip_trace",
    "batchdata_dnc": "phone_dnc",
    "batchdata_tcpa": "phone_tcpa",
}
"""The sandbox's names for the operations that each provider calls at its vendor."""


async def collect_feed_result(run: FeedRun, day: date, upload_id: str) -> Row:
    """Return the result of the feed of *day*: counts, held leads by reason, Instantly's members, and the cost of tracing."""
    connection, broker_id = run.connection, run.broker_id
    slots = await queries.count_slots_of_day(connection, broker_id=broker_id, local_date=day)
    held = await fetch_rows(queries.count_held_by_reason(connection, broker_id=broker_id, local_date=day))
    queued = await queries.count_queued(connection, broker_id=broker_id)
    paid = await fetch_rows(queries.list_costs_of_upload(connection, upload_id=upload_id))
    return {
        "day": day,
        **{name: slots[name] for name in ("fed", "added", "given_back")},
        "held": {row["reason"]: row["leads"] for row in held},
        **queued,
        "instantly": await _compare_members(run),
        "paid": [row | {"counted_by_vendor": await count_paid_records(run.sandbox, row["vendor"])} for row in paid],
    }


async def count_paid_records(sandbox: SandboxSetup, provider: str) -> int | None:
    """Return the paid records that the vendor itself counts for *provider*; None for a provider that works by file."""
    if provider not in _OPERATION_PREFIXES:
        return None
    operations: dict[str, int] = (await sandbox.fetch_state(f"paid/{provider.partition('_')[0]}"))["operations"]
    return sum(count for name, count in operations.items() if name.startswith(_OPERATION_PREFIXES[provider]))


async def _compare_members(run: FeedRun) -> Row:
    """Return the members at the sandbox's Instantly, compared with those of the database by keyed hash of their address."""
    keyring = Keyring.from_settings(CliSettings())
    campaigns: list[dict[str, Any]] = (await run.sandbox.fetch_state("instantly"))["campaigns"]
    there = {(campaign["id"], keyring.hash_contact(email)) for campaign in campaigns for email in campaign["members"]}
    rows = await fetch_rows(queries.list_believed_members(run.connection))
    believed = {(row["campaign"], bytes(row["value_hash"])) for row in rows}
    return {
        "campaigns": [
            {"name": campaign["name"].partition(" [")[0], "members": len(campaign["members"])}
            for campaign in sorted(campaigns, key=lambda campaign: -len(campaign["members"]))
        ],
        "members": len(there),
        "believed": len(believed),
        "missing": len(believed - there),
        "unknown": len(there - believed),
    }
