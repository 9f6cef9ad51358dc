"""How many leads came how far."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from cli import inputs
from cli.database import Connection, Row, broker_id, in_transaction, queries
from cli.durations import earlier, span
from cli.lazy import new_app
from cli.output import AsJson, show_rows
from cli.settings import CliSettings
from common.topics import FUNNEL

app = new_app()

COLUMNS = {
    "event_type": "event",
    "count": "events",
    "leads": "leads",
    "outcomes": "outcomes",
    "avg_duration_ms": "avg ms",
}


@app.command()
def funnel(
    since: Annotated[timedelta, typer.Option(parser=span, metavar="SPAN", help="How far back: 90m, 24h, 7d.")] = "24h",  # type: ignore[assignment]
    upload: Annotated[
        UUID | None, typer.Option(metavar="ID", parser=inputs.uuid, help="Only what this upload brought.")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(metavar="BROKER", parser=inputs.named, help="Only this broker's leads: id or name.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Count the funnel's events, in the order of a lead's life."""

    async def work(connection: Connection) -> list[Row]:
        return await stages(connection, since, upload, await broker_id(connection, broker))

    show_rows(in_transaction(work), COLUMNS, as_json=as_json, empty="Nothing happened in that time.")


async def stages(
    connection: Connection, since: timedelta, upload: UUID | str | None = None, broker: UUID | None = None
) -> list[Row]:
    """One row for each kind of event since *since*, in the order of a lead's life.

    It counts from the services' clock or from the machine's, whichever is behind: events are dated by the clock, but never
    later than the machine's time (ADR 15), so no event of either leaves the span by a clock that was moved.
    """
    after = earlier(min(CliSettings().now, datetime.now(UTC)), since)
    rows = [
        dict(row)
        async for row in queries.funnel(
            connection, after=after, upload_id=str(upload) if upload else None, broker_id=broker
        )
    ]
    return in_life_order(rows)


def in_life_order(rows: Sequence[Row]) -> list[Row]:
    """*rows* sorted as a lead meets the events; unknown ones last."""
    place = {event: number for number, event in enumerate(FUNNEL)}
    return sorted(rows, key=lambda row: place.get(row["event_type"], len(place)))
