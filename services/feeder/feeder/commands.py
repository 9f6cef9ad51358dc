"""Commands of the feeder's data: email campaigns, and the daily feed."""

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import (
    Connection,
    Row,
    connect,
    find_broker_id,
    require_broker_id,
    run_in_transaction,
    service_dsn,
)
from cli.shell.durations import parse_seconds
from cli.shell.errors import CliError, UsageError
from cli.shell.output import (
    AsJson,
    new_console,
    print_done,
    print_fields,
    print_json,
    print_message,
    print_rows,
    to_fields,
)
from cli.shell.service_settings import load_service_settings
from cli.shell.settings import CliSettings
from common.calendar.business_date import business_date
from common.ids import BrokerId
from feeder import command_queries as queries
from feeder.campaign_file.model import CampaignFile
from feeder.campaign_file.reader import DEFAULT_FILE, CampaignFileError, read_campaign_file
from feeder.campaign_file.rows import CampaignRow, make_campaign_rows
from feeder.command_queries import SlotsOfDay
from feeder.settings import FeederSettings

campaigns = new_app(
    "Email campaigns: one for each broker and persona, made of a file.",
    panel="Campaigns",
    summary="Email campaigns: make them of a file, and list their state.",
    order=10,
)
feed = new_app(
    "The feed: each weekday at 06:00 in Los Angeles, the best leads of each broker into email campaigns.",
    panel="Campaigns",
    summary="Leads that go into a campaign today, leads that do not, and why.",
    order=20,
)

_POLL_SECONDS = 0.5
_FEED_DAYS_SEARCHED = 90

_CAMPAIGN_COLUMNS = {"broker": "broker", "name": "campaign", "active": "active", "state": "at Instantly",
                     "members": "members", "leaving": "leaving", "waiting": "waiting",
                     "problem": "problem"}  # fmt: skip
_PREVIEW_COLUMNS = {"address": "address", "owner": "owner", "score": "score", "outcome": "outcome", "reason": "why",
                    "campaign": "campaign"}  # fmt: skip
_SLOT_COLUMNS = {"broker": "broker", "local_date": "day", "daily_limit": "limit", "added": "added",
                 "reserved": "waiting", "returned": "returned", "skipped": "skipped"}  # fmt: skip


@campaigns.command("sync")
def sync_campaigns(
    file: Annotated[
        Path,
        typer.Argument(metavar="[FILE]", parser=inputs.parse_readable_file, help="Default: the file that is shipped."),
    ] = DEFAULT_FILE,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", parser=parse_seconds, help="Seconds to wait until Instantly has them.")
    ] = 0,
    *,
    check: Annotated[bool, typer.Option("--check", help="Only read the file and say whether it is right.")] = False,
    retire: Annotated[bool, typer.Option("--retire", help="Pause campaigns that are no longer in the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the campaigns as the file says, and update those that differ. The feeder brings them to Instantly."""
    read = _read_file(file)
    _warn_about_gaps(read)
    if check:
        _report_check(file, read, as_json=as_json)
        return
    address = _require_postal_address()

    async def work(connection: Connection) -> dict[str, int]:
        brokers = {broker.name: broker.id for broker in await queries.list_active_brokers(connection)}
        return await _write_campaigns(connection, read, _make_rows(read, address, brokers), retire=retire)

    counts = run_in_transaction(work, service="feeder")
    if wait:
        _wait_for_instantly(wait)
    message = ", ".join(f"{count} {what}" for what, count in counts.items())
    print_done(f"Campaigns: {message}.", counts, as_json=as_json)
    if counts["kept"]:
        print_message(f"{counts['kept']} campaigns go on that are not in the file. `--retire` pauses them.")
    if not wait:
        print_message("The feeder brings them to Instantly: `equity campaigns list` shows the progress.")


@campaigns.command("list")
def list_campaigns(*, as_json: AsJson = False) -> None:
    """List campaigns, whether Instantly has them as they should be, and how many leads are in each."""
    rows = run_in_transaction(queries.list_campaigns, service="feeder")
    print_rows(rows, _CAMPAIGN_COLUMNS, as_json=as_json, empty="No campaigns yet. Make them: equity campaigns sync")


def _read_file(file: Path) -> CampaignFile:
    try:
        return read_campaign_file(file)
    except CampaignFileError as error:
        raise UsageError(error.problem, error.advice) from error


def _make_rows(file: CampaignFile, address: str, brokers: dict[str, BrokerId]) -> list[CampaignRow]:
    try:
        return make_campaign_rows(file, address, brokers)
    except CampaignFileError as error:
        raise UsageError(error.problem, error.advice) from error


def _warn_about_gaps(file: CampaignFile) -> None:
    """Warn of campaigns that send nothing, and of blanks that stay empty."""
    if silent := file.list_campaigns_without_senders():
        print_message(
            f"WARNING: no account sends for {len(silent)} campaigns, the first is {silent[0]!r}: leads are added, and Instantly "
            "sends them nothing. Set `senders` of the personas or of the campaign; see docs/adding-a-campaign.md."
        )
    if blanks := file.list_blanks_without_fallback():
        named = ", ".join(f"{{{{{name}}}}}" for name in blanks)
        print_message(
            f"WARNING: {named} stay empty for leads without a value. Give a fallback: {{{{{blanks[0]}|text}}}}."
        )


def _report_check(path: Path, file: CampaignFile, *, as_json: bool) -> None:
    steps = sum(len(sequence) for sequence in file.sequences.values())
    counts = {"personas": len(file.personas), "emails": steps, "campaigns": len(file.campaigns)}
    print_done(f"{path.name} is right: {counts['personas']} personas, {steps} emails.", counts, as_json=as_json)


def _require_postal_address() -> str:
    address = (CliSettings().postal_address or "").strip()
    if not address:
        raise UsageError(
            "POSTAL_ADDRESS is not set.", "Every email carries the sender's postal address: the law requires it."
        )
    return address


async def _write_campaigns(
    connection: Connection, file: CampaignFile, wanted: Sequence[CampaignRow], *, retire: bool = False
) -> dict[str, int]:
    """Write the personas of *file* and the *wanted* campaigns.

    Returns how many campaigns were created, updated, unchanged, retired and kept. The *kept* ones go on though the file does
    not want them, because *retire* was not given.
    """
    for persona in file.personas:
        profile = persona.model_dump(mode="json", exclude={"id", "name"})
        await queries.upsert_persona(connection, persona_id=persona.id, name=persona.name, profile=profile)
    results = [
        await queries.upsert_campaign(
            connection,
            broker_id=campaign.broker_id,
            persona_id=campaign.persona_id,
            name=campaign.name,
            sequence=campaign.sequence,
            settings=campaign.settings,
        )
        for campaign in wanted
    ]
    unwanted = await queries.lock_unwanted_campaigns(
        connection,
        broker_ids=[campaign.broker_id for campaign in wanted],
        names=[campaign.name for campaign in wanted],
    )
    if retire:
        await queries.retire_campaigns(connection, campaign_ids=unwanted)
    await queries.reset_missing_campaigns(connection)
    return {
        "created": results.count("created"),
        "updated": results.count("updated"),
        "unchanged": results.count(None),
        "retired": len(unwanted) if retire else 0,
        "kept": 0 if retire else len(unwanted),
    }


def _wait_for_instantly(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        listed = run_in_transaction(queries.list_campaigns, service="feeder")
        due = sum(campaign.state == "due" for campaign in listed)
        if not due:
            return
        if time.monotonic() > deadline:
            raise CliError(
                f"{due} campaigns are not at Instantly yet.",
                "Is the feeder running, and INSTANTLY_API_KEY set there? `equity campaigns list` shows what is wrong.",
            )
        time.sleep(_POLL_SECONDS)


@feed.command("preview")
def preview_feed(
    broker: Annotated[str, typer.Argument(metavar="BROKER", parser=inputs.parse_name_or_id, help="Id or name.")],
    date: Annotated[
        dt.date | None,
        typer.Option("--date", metavar="DATE", parser=inputs.parse_day, help="Another day than today, as 2027-03-01."),
    ] = None,
    *,
    ids: Annotated[bool, typer.Option("--ids", help="Show the leads' ids, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the leads that would be fed, and the others with the reason, by the rules of the feed itself.

    Nothing is locked or changed.
    """
    from feeder.daily_feed import preview  # noqa: PLC0415 - it imports the whole service

    async def find(connection: Connection) -> BrokerId:
        return await require_broker_id(connection, broker)

    found = run_in_transaction(find, service="feeder")
    previewed = asyncio.run(preview.preview_feed(load_service_settings(FeederSettings, "feeder"), found, date))
    report, leads = to_fields(previewed), _add_labels([to_fields(lead) for lead in previewed.leads])
    del report["leads"]
    if as_json:
        print_json({**report, "leads": leads})
        return
    print_fields(report, as_json=False)
    new_console().print()
    columns = {"lead_id": "lead", **_PREVIEW_COLUMNS} if ids else _PREVIEW_COLUMNS
    first = ("lead_id", "address", "outcome", "reason") if ids else ("address", "outcome", "reason")
    print_rows(leads, columns, as_json=False, empty="No lead would be fed.", first=first)


def _add_labels(leads: list[Row]) -> list[Row]:
    """Return *leads* with the address of their homes and the names of their owners."""
    lead_ids = [lead["lead_id"] for lead in leads]
    rows = run_in_transaction(partial(queries.list_lead_labels, lead_ids=lead_ids), service="feeder")
    labels = {row.id: {"address": row.address, "owner": row.owner} for row in rows}
    return [lead | labels.get(lead["lead_id"], {}) for lead in leads]


@feed.command("slots")
def list_slots(
    days: Annotated[int, typer.Option(min=1, max=365, help="Number of days back.")] = 7,
    broker: Annotated[
        str | None,
        typer.Option(metavar="BROKER", parser=inputs.parse_name_or_id, help="Only this broker's: id or name."),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", parser=parse_seconds, help="Seconds to wait until a lead of today's is at Instantly."
        ),
    ] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Show each broker's slots by day: added at Instantly, waiting for it, returned, and the leads that were skipped."""
    today, deadline = business_date(CliSettings().now), time.monotonic() + wait

    async def find(connection: Connection) -> list[SlotsOfDay]:
        only = await find_broker_id(connection, broker)
        return await queries.list_feed_slots(connection, today=today, days=days, broker_id=only)

    rows = run_in_transaction(find, service="feeder")
    while time.monotonic() < deadline and not any(row.local_date == today and row.added for row in rows):
        time.sleep(_POLL_SECONDS)
        rows = run_in_transaction(find, service="feeder")
    print_rows(rows, _SLOT_COLUMNS, as_json=as_json, empty="No lead was fed in these days.")


async def create_demo_campaigns(broker: str, broker_id: BrokerId, postal_address: str) -> int:
    """Make the default campaigns of the demo's broker; return how many are new."""
    file = _read_file(DEFAULT_FILE)
    rows = _make_rows(file, postal_address, {broker: broker_id})
    async with connect(service_dsn("feeder")) as connection, connection.transaction():
        return (await _write_campaigns(connection, file, rows))["created"]


async def find_next_feed_day(broker_id: BrokerId, earliest: dt.date) -> dt.date | None:
    """Return the first day from *earliest* on that the broker's calendar allows and that had no feed yet.

    None when there is no such day within three months.
    """
    from feeder.daily_feed.feed_calendar import FeedCalendar  # noqa: PLC0415 - its holidays take a second to load

    async with connect(service_dsn("feeder")) as connection:
        broker = await queries.find_broker_calendar(connection, broker_id=broker_id)
        last = await queries.find_last_feed_day(connection, broker_id=broker_id)
    own = broker.feed_on_holidays
    on_holidays = load_service_settings(FeederSettings, "feeder").feed_on_holidays if own is None else own
    calendar = FeedCalendar(broker.feed_weekdays, on_holidays, broker.days_off)
    first = max(earliest, last + dt.timedelta(days=1)) if last else earliest
    coming = (first + dt.timedelta(days=ahead) for ahead in range(_FEED_DAYS_SEARCHED))
    return next((day for day in coming if calendar.is_feed_day(day)), None)
