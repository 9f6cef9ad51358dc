"""Commands of the pull service's data: saved searches at BatchData."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import Connection, find_broker_id, run_in_transaction
from cli.shell.durations import parse_cents
from cli.shell.errors import CliError, CommandRefusedError, UsageError
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
from cli.shell.personal_texts import PersonalTexts
from cli.shell.reencryption import LOWEST_ID, EncryptedColumn, reencrypt_value
from cli.shell.service_settings import load_service_settings
from common.pii.keyring import Keyring
from pull import command_queries as queries
from pull.age_products import AGE_PRODUCTS, find_age_fault
from pull.command_queries import (
    AddedSearch,
    OutdatedPullReject,
    ShownDay,
    ShownReject,
    ShownRound,
    ShownSearch,
    StoredPullReject,
)
from pull.criteria import CriteriaError, read_criteria
from pull.page_log import REJECT_PURPOSE
from pull.settings import PullSettings

searches = new_app(
    """Saved searches at BatchData, pulled into leads each day at 04:00 in Los Angeles.

    A search continues where it was until its results end; after --every-days it starts again. Records cost money:
    PULL_DAILY_RECORDS bounds all searches of a day, --daily-records one.
    """,
    panel="Leads in",
    summary="Saved searches at BatchData: add, list, run, and what was spent on them.",
    order=40,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", parser=inputs.parse_name_or_id, help="The search's name.")]

_COLUMNS = {"name": "search", "position": "order", "broker": "broker", "state": "state", "started_on": "round of",
            "records": "records", "results_found": "of", "rejects": "unreadable", "cents": "cents",
            "outcome": "stopped by"}  # fmt: skip
_ROUND_COLUMNS = {"started_on": "round of", "outcome": "stopped by", "detail": "detail", "records": "records", "results_found": "of",
           "rejects": "unreadable", "repeats": "repeated", "pages": "pages", "cents": "cents",
           "unknown_records": "unknown"}  # fmt: skip
_DAY_COLUMNS = {"local_date": "day", "records": "records", "cents": "cents", "unknown_pages": "unknown pages"}
_SUCCESSFUL_OUTCOMES = {"finished", "budget_used"}


@searches.command("add")
def add_search(
    name: Annotated[str, typer.Argument(metavar="NAME", parser=inputs.parse_new_name, help="The search's name.")],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", parser=inputs.parse_file_or_stdin, help="Its criteria as JSON; - reads them from stdin."
        ),
    ],
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="BROKER",
            parser=inputs.parse_name_or_id,
            help="Whose leads these are: id or name; default: by territory.",
        ),
    ] = None,
    order: Annotated[int, typer.Option(min=0, max=1_000_000, help="Searches with a lower number go first.")] = 100,
    every_days: Annotated[int, typer.Option(min=1, max=3_650, help="Days from one round to the next.")] = 30,
    daily_records: Annotated[
        int | None, typer.Option(min=0, max=10_000_000, help="Records of this search a day.")
    ] = None,
    daily_cents: Annotated[
        Decimal | None, typer.Option(metavar="CENTS", parser=parse_cents, help="US cents of this search a day.")
    ] = None,
    product: Annotated[
        str | None,
        typer.Option(
            metavar="PRODUCT", help=f"Product whose minimum age the criteria name: {', '.join(AGE_PRODUCTS)}."
        ),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why the search selects owners by age; needed with --product.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Save a search. The criteria are in the words of BatchData's property search; docs/batchdata-pull.md has an example."""
    criteria = _read_criteria(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    if fault := find_age_fault(criteria, product, reason):
        raise UsageError(
            f"These criteria cannot be searched by. {fault}.", "See docs/batchdata-pull.md#searching-by-age."
        )

    async def work(connection: Connection) -> AddedSearch | None:
        return await queries.add_search(
            connection,
            name=name,
            criteria=criteria,
            broker_id=await find_broker_id(connection, broker),
            position=order,
            every_days=every_days,
            daily_records=daily_records,
            daily_cents=daily_cents,
            product=product,
            reason=reason,
        )

    added = run_in_transaction(work, service="pull")
    if added is None:
        raise CommandRefusedError(
            f"There is a search {name!r} already.", "Disable it, and give the new one another name."
        )
    print_fields(added, as_json=as_json)
    print_message(f"It is pulled at 04:00 in Los Angeles; now: equity searches run {name!r}")


def _read_criteria(text: bytes) -> dict[str, Any]:
    try:
        return read_criteria(text)
    except CriteriaError as error:
        raise UsageError(
            f"These criteria cannot be searched by. {error}.", "docs/batchdata-pull.md has an example."
        ) from error


@searches.command("list")
def list_searches(*, as_json: AsJson = False) -> None:
    """List the searches in their order, and the progress of the latest round of each."""
    rows = run_in_transaction(queries.list_searches, service="pull")
    print_rows(rows, _COLUMNS, as_json=as_json, empty="No search yet. Save one: equity searches add NAME FILE")


@searches.command("show")
def show_search(
    name: NameArgument,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Number of rounds, the latest first.")] = 5,
    *,
    as_json: AsJson = False,
) -> None:
    """Show a search: its criteria, its rounds and why each stopped, and what was spent on it day by day."""

    async def work(connection: Connection) -> tuple[ShownSearch, list[ShownRound], list[ShownDay]]:
        search = await _find_search(connection, name)
        rounds = await queries.list_search_rounds(connection, search_id=search.id, page_size=limit)
        return search, rounds, await queries.list_search_days(connection, search_id=search.id)

    search, rounds, days = run_in_transaction(work, service="pull")
    if as_json:
        fields = {"rounds": [to_fields(row) for row in rounds], "days": [to_fields(row) for row in days]}
        print_json(to_fields(search) | fields)
        return
    print_fields(search, as_json=False)
    new_console().print()
    print_rows(rounds, _ROUND_COLUMNS, as_json=False, empty="It was never pulled.")
    new_console().print()
    print_rows(days, _DAY_COLUMNS, as_json=False, empty="It was never pulled.")


@searches.command("rejects")
def print_rejects(
    name: NameArgument,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of records, the latest first.")] = 20,
) -> None:
    """Print records of BatchData that could not be read, with the reasons, as JSON. They hold personal data."""

    async def work(connection: Connection) -> list[ShownReject]:
        search = await _find_search(connection, name)
        return await queries.list_search_rejects(connection, search_id=search.id, page_size=limit)

    from pull.on_demand import decrypt_reject  # noqa: PLC0415 - it imports the whole service

    rows = run_in_transaction(work, service="pull")
    keyring = Keyring.from_settings(load_service_settings(PullSettings, "pull"))
    print_json(
        [{"reason": row.reason, "at": row.at, "entry": decrypt_reject(keyring, row.id, row.encrypted)} for row in rows]
    )


@searches.command("disable")
def disable_search(name: NameArgument, *, as_json: AsJson = False) -> None:
    """Stop pulling a search. Nothing is deleted; an open round stays where it is."""
    _set_enabled(name, enabled=False, as_json=as_json)


@searches.command("enable")
def enable_search(name: NameArgument, *, as_json: AsJson = False) -> None:
    """Pull a disabled search again, from where it was."""
    _set_enabled(name, enabled=True, as_json=as_json)


@searches.command("run")
def run_search(name: NameArgument, *, as_json: AsJson = False) -> None:
    """Pull a search now, in this process, due or not, as far as the day's budget goes. The pull service publishes its records."""
    from pull import on_demand  # noqa: PLC0415 - it imports the whole service

    try:
        reason, detail = asyncio.run(on_demand.pull_search_now(load_service_settings(PullSettings, "pull"), name))
    except LookupError as error:
        raise _no_search_error(name) from error
    except on_demand.BrokerDisabledError as error:
        raise CommandRefusedError(f"{name} is not pulled: {error}.", "See: equity brokers enable --help") from error
    except on_demand.MissingTokenError as error:
        raise UsageError(f"{error}.", "Set it to the account's token at BatchData.") from error
    if reason == "busy":
        raise CommandRefusedError(
            f"{name} is being pulled by another process.", "`equity searches list` shows when it has ended."
        )
    if reason not in _SUCCESSFUL_OUTCOMES:
        problem = f"{name} stopped: {reason}{f' ({detail})' if detail else ''}."
        raise CliError(problem, f"docs/batchdata-pull.md says what to do. Then: equity searches run {name!r}")
    print_done(f"{name}: {reason}. `equity searches show {name!r}` has the numbers.", {"search": name, "outcome": reason},
         as_json=as_json)  # fmt: skip


def _set_enabled(name: str, *, enabled: bool, as_json: bool) -> None:
    async def work(connection: Connection) -> ShownSearch:
        search = await _find_search(connection, name)
        await queries.set_search_enabled(connection, search_id=search.id, enabled=enabled)
        return search

    found = run_in_transaction(work, service="pull")
    state = "enabled" if enabled else "disabled"
    print_done(f"{found.name} is {state}.", {"search": found.name, "enabled": enabled}, as_json=as_json)


async def _find_search(connection: Connection, name: str) -> ShownSearch:
    found = await queries.find_search(connection, name=name)
    if found is None:
        raise _no_search_error(name)
    return found


def _no_search_error(name: str) -> UsageError:
    return UsageError(f"There is no search {name!r}.", "`equity searches list` shows them.")


ENCRYPTED_COLUMNS = (
    EncryptedColumn[OutdatedPullReject](
        "unreadable pulled records",
        find_outdated=lambda connection, key_id, last, page_size: queries.find_outdated_rejects(
            connection, key_id=key_id, after=last.id if last else LOWEST_ID, page_size=page_size
        ),
        reencrypt=lambda keyring, row: reencrypt_value(keyring, REJECT_PURPOSE, row.id.bytes, row.encrypted),
        save=lambda connection, rows, values: queries.save_rejects(
            connection, reject_ids=[row.id for row in rows], encrypted=values
        ),
    ),
)

PERSONAL_TEXTS = (
    PersonalTexts[StoredPullReject](
        "unreadable pulled records",
        read_page=lambda connection, last, page_size: queries.lock_rejects(
            connection, after=last.id if last else LOWEST_ID, page_size=page_size
        ),
        read_text=lambda keyring, row: keyring.decrypt(REJECT_PURPOSE, row.id.bytes, row.encrypted).decode(
            "utf-8", "replace"
        ),
        empty=lambda connection, _, rows: queries.delete_rejects(connection, reject_ids=[row.id for row in rows]),
    ),
)
