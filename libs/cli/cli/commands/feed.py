"""The feed: who would go into a campaign, who not, and why."""

import asyncio
import datetime as dt
from time import monotonic, sleep
from typing import Annotated, Any

import typer

from cli import inputs
from cli.database import Connection, Row, all_rows, broker_id, in_transaction, queries, select
from cli.durations import seconds
from cli.lazy import new_app
from cli.output import AsJson, console, print_json, show_fields, show_rows
from cli.services import administered, module
from cli.settings import CliSettings
from common.business_time import business_date

_PAUSE_SECONDS = 0.5

app = new_app("The feed: each weekday at 06:00 in Los Angeles, the best leads of each broker into email campaigns.")

_COLUMNS = {
    "address": "address",
    "owner": "owner",
    "score": "score",
    "outcome": "outcome",
    "reason": "why",
    "campaign": "campaign",
}
_SLOTS = {"broker": "broker", "local_date": "day", "daily_limit": "limit", "added": "added", "reserved": "waiting",
          "refused": "given back", "held": "held"}  # fmt: skip


@app.command()
def preview(
    broker: Annotated[str, typer.Argument(metavar="BROKER", parser=inputs.named, help="Id or name.")],
    date: Annotated[
        dt.date | None,
        typer.Option("--date", metavar="DATE", parser=inputs.day, help="Another day than today, as 2027-03-01."),
    ] = None,
    *,
    ids: Annotated[bool, typer.Option("--ids", help="Show the leads' ids, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show who would be fed, and who not and why, by the rules of the feed itself. Nothing is locked or changed."""

    async def find(connection: Connection) -> Any:
        return await broker_id(connection, broker)

    found = in_transaction(find)
    seen = asyncio.run(module("feeder", "daily_feed.preview").preview_feed(administered("feeder"), found, date))
    seen["leads"] = _with_labels(seen["leads"])
    if as_json:
        print_json(seen)
        return
    show_fields({name: value for name, value in seen.items() if name != "leads"}, as_json=False)
    console().print()
    columns = {"lead_id": "lead", **_COLUMNS} if ids else _COLUMNS
    first = ("lead_id", "address", "outcome", "reason") if ids else ("address", "outcome", "reason")
    show_rows(seen["leads"], columns, as_json=False, empty="Nobody would be fed.", first=first)


def _with_labels(leads: list[Row]) -> list[Row]:
    """*leads* with the address of their homes and the names of their owners."""
    rows = select(queries.lead_labels, lead_ids=[lead["lead_id"] for lead in leads])
    labels = {row["id"]: {"address": row["address"], "owner": row["owner"]} for row in rows}
    return [lead | labels.get(lead["lead_id"], {}) for lead in leads]


@app.command()
def slots(
    days: Annotated[int, typer.Option(min=1, max=365, help="So many days back.")] = 7,
    broker: Annotated[
        str | None, typer.Option(metavar="BROKER", parser=inputs.named, help="Only this broker's: id or name.")
    ] = None,
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", parser=seconds, help="Wait so long until a lead of today's is at Instantly."),
    ] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Show each broker's slots by day: added at Instantly, waiting for it, given back, and who was held."""
    today, give_up = business_date(CliSettings().now), monotonic() + wait

    async def find(connection: Connection) -> list[Row]:
        only = await broker_id(connection, broker)
        return await all_rows(queries.feed_slots(connection, today=today, days=days, broker_id=only))

    rows = in_transaction(find)
    while monotonic() < give_up and not any(row["local_date"] == today and row["added"] for row in rows):
        sleep(_PAUSE_SECONDS)
        rows = in_transaction(find)
    show_rows(rows, _SLOTS, as_json=as_json, empty="Nobody was fed in these days.")
