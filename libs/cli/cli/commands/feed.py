"""The feed: who would go into a campaign, who not, and why."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.database import Connection, broker_id, in_transaction, queries, select
from cli.lazy import new_app
from cli.output import AsJson, console, print_json, show_fields, show_rows
from cli.services import administered, module

app = new_app("The feed: each weekday at 06:00 in Los Angeles, the best leads of each broker into email campaigns.")

_COLUMNS = {"lead_id": "lead", "score": "score", "outcome": "outcome", "reason": "why", "campaign": "campaign"}
_SLOTS = {"broker": "broker", "local_date": "day", "daily_limit": "limit", "added": "added", "reserved": "waiting",
          "refused": "given back", "held": "held"}  # fmt: skip


@app.command()
def preview(
    broker: Annotated[str, typer.Argument(metavar="BROKER", help="Id or name.")],
    date: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Another day than today.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show who would be fed, and who not and why, by the rules of the feed itself. Nothing is locked or changed."""

    async def find(connection: Connection) -> Any:
        return await broker_id(connection, broker)

    found, day = in_transaction(find), date.date() if date else None
    seen = asyncio.run(module("feeder", "preview").preview(administered("feeder"), found, day))
    if as_json:
        print_json(seen)
        return
    show_fields({name: value for name, value in seen.items() if name != "leads"}, as_json=False)
    console().print()
    show_rows(seen["leads"], _COLUMNS, as_json=False, empty="Nobody would be fed.")


@app.command()
def slots(
    days: Annotated[int, typer.Option(min=1, max=365, help="So many days back.")] = 7, *, as_json: AsJson = False
) -> None:
    """Show each broker's slots by day: added at Instantly, waiting for it, given back, and who was held."""
    rows = select(queries.feed_slots, days=days)
    show_rows(rows, _SLOTS, as_json=as_json, empty="Nobody was fed in these days.")
