"""Result of the demo's feed: counts, the state of the sandbox's Instantly, and the cost of tracing."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from cli.demo import queries
from cli.demo.feed_run import FeedRun
from cli.demo.sandbox_setup import SandboxSetup
from cli.shell.settings import CliSettings
from common.pii.keyring import Keyring

_OPERATION_PREFIXES = {
    "melissa": "verify",
    "batchdata": "skip_trace",
    "batchdata_dnc": "phone_dnc",
    "batchdata_tcpa": "phone_tcpa",
}
"""The sandbox's names for the operations that each provider calls at its vendor."""


@dataclass(frozen=True, slots=True)
class CampaignSize:
    """A campaign at the sandbox's Instantly."""

    name: str
    members: int


@dataclass(frozen=True, slots=True)
class MemberComparison:
    """Members at the sandbox's Instantly, compared with those of the database."""

    campaigns: list[CampaignSize]
    members: int
    believed: int
    missing: int
    unknown: int


@dataclass(frozen=True, slots=True)
class TraceCost:
    """Requests to one provider, and the paid records that the vendor itself counts."""

    vendor: str
    leads: int
    asked: int
    cents: Decimal
    counted_by_vendor: int | None


@dataclass(frozen=True, slots=True)
class FeedResult:
    """The feed of a day: counts, skipped leads by reason, Instantly's members, and the cost of tracing."""

    day: date
    fed: int
    added: int
    returned: int
    skipped: dict[str, int]
    waiting: int
    waiting_without_email: int
    instantly: MemberComparison
    paid: list[TraceCost]


async def collect_feed_result(run: FeedRun, day: date, upload_id: str) -> FeedResult:
    """Return the result of the feed of *day*."""
    connection, broker_id = run.connection, run.broker_id
    slots = await queries.count_slots_of_day(connection, broker_id=broker_id, local_date=day)
    skipped = await queries.count_skips_by_reason(connection, broker_id=broker_id, local_date=day)
    queued = await queries.count_queued(connection, broker_id=broker_id)
    return FeedResult(
        day,
        fed=slots.fed,
        added=slots.added,
        returned=slots.returned,
        skipped={row.reason: row.leads for row in skipped},
        waiting=queued.waiting,
        waiting_without_email=queued.waiting_without_email,
        instantly=await _compare_members(run),
        paid=[
            TraceCost(
                cost.vendor, cost.leads, cost.asked, cost.cents, await count_paid_records(run.sandbox, cost.vendor)
            )
            for cost in await queries.list_costs_of_upload(connection, upload_id=upload_id)
        ],
    )


async def count_paid_records(sandbox: SandboxSetup, provider: str) -> int | None:
    """Return the paid records that the vendor itself counts for *provider*; None for a provider that works by file."""
    if provider not in _OPERATION_PREFIXES:
        return None
    operations: dict[str, int] = (await sandbox.fetch_state(f"paid/{provider.partition('_')[0]}"))["operations"]
    return sum(count for name, count in operations.items() if name.startswith(_OPERATION_PREFIXES[provider]))


async def _compare_members(run: FeedRun) -> MemberComparison:
    """Compare the members by campaign and keyed hash of their address."""
    keyring = Keyring.from_settings(CliSettings())
    campaigns: list[dict[str, Any]] = (await run.sandbox.fetch_state("instantly"))["campaigns"]
    there = {(campaign["id"], keyring.hash_contact(email)) for campaign in campaigns for email in campaign["members"]}
    members = await queries.list_believed_members(run.connection)
    believed = {(member.campaign, member.value_hash) for member in members}
    sizes = [CampaignSize(campaign["name"].partition(" [")[0], len(campaign["members"])) for campaign in campaigns]
    return MemberComparison(
        campaigns=sorted(sizes, key=lambda campaign: -campaign.members),
        members=len(there),
        believed=len(believed),
        missing=len(believed - there),
        unknown=len(there - believed),
    )
