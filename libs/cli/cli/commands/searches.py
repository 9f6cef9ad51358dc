"""Saved searches at BatchData."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import inputs
from cli.database import Connection, Row, all_rows, broker_id, in_transaction, queries, select
from cli.durations import cents
from cli.errors import CliError, RefusedError, UsageError
from cli.lazy import new_app
from cli.output import AsJson, console, done, print_json, say, show_fields, show_rows
from cli.services import administered, module
from common.contacts import Keyring

app = new_app(
    """Saved searches at BatchData, pulled into leads each day at 04:00 in Los Angeles.

    A search goes on where it was until its results end; after --every-days it begins anew. Records cost money: PULL_DAILY_RECORDS
    bounds all searches of a day, --daily-records one.
    """
)

Name = Annotated[str, typer.Argument(metavar="NAME", parser=inputs.named, help="The search's name.")]

_COLUMNS = {"name": "search", "position": "order", "broker": "broker", "state": "state", "started_on": "round of",
            "records": "records", "results_found": "of", "rejects": "unreadable", "cents": "cents",
            "outcome": "stopped by"}  # fmt: skip
_ROUNDS = {"started_on": "round of", "outcome": "stopped by", "detail": "detail", "records": "records", "results_found": "of",
           "rejects": "unreadable", "repeats": "repeated", "pages": "pages", "cents": "cents",
           "unknown_records": "unknown"}  # fmt: skip
_DAYS = {"local_date": "day", "records": "records", "cents": "cents", "unknown_pages": "unknown pages"}
_GOOD = {"finished", "budget_used"}


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", parser=inputs.name, help="The search's name.")],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", parser=inputs.file_or_stdin, help="Its criteria as JSON; - reads them from stdin."
        ),
    ],
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="BROKER", parser=inputs.named, help="Whose leads these are: id or name; default: by territory."
        ),
    ] = None,
    order: Annotated[int, typer.Option(min=0, max=1_000_000, help="Searches with a lower number go first.")] = 100,
    every_days: Annotated[int, typer.Option(min=1, max=3_650, help="Days from one round to the next.")] = 30,
    daily_records: Annotated[
        int | None, typer.Option(min=0, max=10_000_000, help="Records of this search a day.")
    ] = None,
    daily_cents: Annotated[
        Decimal | None, typer.Option(metavar="CENTS", parser=cents, help="US cents of this search a day.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Save a search. The criteria are in the words of BatchData's property search; docs/batchdata-pull.md has an example."""
    criteria = _criteria(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())

    async def work(connection: Connection) -> Any:
        return await queries.add_search(
            connection,
            name=name,
            criteria=criteria,
            broker_id=await broker_id(connection, broker),
            position=order,
            every_days=every_days,
            daily_records=daily_records,
            daily_cents=daily_cents,
        )

    added = in_transaction(work)
    if added is None:
        raise RefusedError(f"There is a search {name!r} already.", "Disable it, and give the new one another name.")
    show_fields(dict(added), as_json=as_json)
    say(f"It is pulled at 04:00 in Los Angeles; now: equity searches run {name!r}")


def _criteria(text: bytes) -> dict[str, Any]:
    reader = module("pull", "criteria")
    try:
        found: dict[str, Any] = reader.read_criteria(text)
    except reader.CriteriaError as error:
        raise UsageError(
            f"These criteria cannot be searched by. {error}.", "docs/batchdata-pull.md has an example."
        ) from error
    return found


@app.command("list")
def list_searches(*, as_json: AsJson = False) -> None:
    """List the searches in their order, and how far the latest round of each is."""
    rows = select(queries.list_searches)
    show_rows(rows, _COLUMNS, as_json=as_json, empty="No search yet. Save one: equity searches add NAME FILE")


@app.command()
def show(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="The latest so many rounds.")] = 5,
    *,
    as_json: AsJson = False,
) -> None:
    """Show a search: its criteria, its rounds and why each stopped, and what was spent on it day by day."""

    async def work(connection: Connection) -> tuple[Row, list[Row], list[Row]]:
        search = await _find(connection, name)
        rounds = await all_rows(queries.search_rounds(connection, search_id=search["id"], limit=limit))
        return search, rounds, await all_rows(queries.search_days(connection, search_id=search["id"]))

    search, rounds, days = in_transaction(work)
    if as_json:
        print_json(search | {"rounds": rounds, "days": days})
        return
    show_fields(search, as_json=False)
    for rows, columns in ((rounds, _ROUNDS), (days, _DAYS)):
        console().print()
        show_rows(rows, columns, as_json=False, empty="It was never pulled.")


@app.command()
def rejects(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The latest so many.")] = 20,
) -> None:
    """Print what BatchData sent and could not be read, with the reasons, as JSON. It holds personal data."""

    async def work(connection: Connection) -> list[Row]:
        search = await _find(connection, name)
        return await all_rows(queries.search_rejects(connection, search_id=search["id"], limit=limit))

    rows = in_transaction(work)
    settings = administered("pull")
    keyring, opened = Keyring.from_settings(settings), module("pull", "on_demand").decrypt_reject
    told = [
        {"reason": row["reason"], "at": row["at"], "entry": opened(keyring, row["id"], row["sealed"])} for row in rows
    ]
    print_json(told)


@app.command()
def disable(name: Name, *, as_json: AsJson = False) -> None:
    """Pull a search no more. Nothing is deleted; an open round stays where it is."""
    _set_enabled(name, enabled=False, as_json=as_json)


@app.command()
def enable(name: Name, *, as_json: AsJson = False) -> None:
    """Pull a disabled search again, from where it was."""
    _set_enabled(name, enabled=True, as_json=as_json)


@app.command()
def run(name: Name, *, as_json: AsJson = False) -> None:
    """Pull a search now, in this process, due or not, as far as the day's budget goes. The pull service sends what it finds."""
    hand = module("pull", "on_demand")
    try:
        reason, detail = asyncio.run(hand.pull_search_now(administered("pull"), name))
    except LookupError as error:
        raise _no_search(name) from error
    except hand.BrokerDisabledError as error:
        raise RefusedError(f"{name} is not pulled: {error}.", "See: equity brokers enable --help") from error
    except hand.MissingTokenError as error:
        raise UsageError(f"{error}.", "Set it to the account's token at BatchData.") from error
    if reason == "busy":
        raise RefusedError(
            f"{name} is being pulled by another process.", "`equity searches list` shows when it is through."
        )
    if reason not in _GOOD:
        told = f"{name} stopped: {reason}{f' ({detail})' if detail else ''}."
        raise CliError(told, f"docs/batchdata-pull.md says what to do. Then: equity searches run {name!r}")
    done(f"{name}: {reason}. `equity searches show {name!r}` has the numbers.", {"search": name, "outcome": reason},
         as_json=as_json)  # fmt: skip


def _set_enabled(name: str, *, enabled: bool, as_json: bool) -> None:
    async def work(connection: Connection) -> Row:
        search = await _find(connection, name)
        await queries.set_search_enabled(connection, search_id=search["id"], enabled=enabled)
        return search

    found = in_transaction(work)
    state = "enabled" if enabled else "disabled"
    done(f"{found['name']} is {state}.", {"search": found["name"], "enabled": enabled}, as_json=as_json)


async def _find(connection: Connection, name: str) -> Row:
    found = await queries.find_search(connection, name=name)
    if found is None:
        raise _no_search(name)
    return dict(found)


def _no_search(name: str) -> UsageError:
    return UsageError(f"There is no search {name!r}.", "`equity searches list` shows them.")
