"""States in which a broker may call. None is open until an operator opens it."""

from datetime import date
from getpass import getuser
from typing import Annotated, Any

import typer

from cli.commands.states import queries
from cli.commands.states.opening import (
    StateDocuments,
    check_may_open,
    find_problem,
    is_open_with,
    list_demands,
    open_state,
)
from cli.commands.states.queries import ListedState
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.confirmation import YesOption, require_yes
from cli.shell.database import OPERATOR, Connection, find_broker_id, require_broker_id, run_in_transaction
from cli.shell.errors import CommandRefusedError
from cli.shell.output import AsJson, print_done, print_message, print_rows, to_fields
from cli.shell.settings import CliSettings
from common.calendar.business_date import business_date

app = new_app(
    "States in which a broker may call. None is open until an operator opens it (docs/compliance.md).",
    panel="Compliance",
    summary="States in which a broker may call: open, close, list.",
    order=20,
)

Broker = Annotated[str, typer.Argument(metavar="BROKER", parser=inputs.parse_name_or_id, help="Id or name.")]
State = Annotated[
    str, typer.Argument(metavar="STATE", parser=inputs.parse_state, help="Two letters or the name, such as FL.")
]
_COLUMNS = {"broker": "broker", "state": "state", "licence": "licence", "proof": "registration or exemption",
            "opened_at": "opened", "opened_by": "by", "closed_at": "closed", "close_reason": "why", "problem": "problem",
            "rules": "rules of the state"}  # fmt: skip


@app.command("open")
def open_for_calls(
    broker: Broker,
    state: State,
    licence: Annotated[
        str,
        typer.Option(metavar="TEXT", parser=inputs.parse_note, help="Kind and number of the broker's licence there."),
    ],
    registration: Annotated[
        str | None,
        typer.Option(metavar="TEXT", parser=inputs.parse_note, help="Registration as a telephone seller: its number."),
    ] = None,
    exemption: Annotated[
        str | None,
        typer.Option(metavar="TEXT", parser=inputs.parse_note, help="Why no registration is needed, with the source."),
    ] = None,
    *,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Open a state for calls of a broker, with the documents that its rules ask for.

    With the same documents a second time it changes nothing. With others it is refused: close the state first. A state whose
    rules forbid calls that an artificial voice begins cannot be opened.
    """
    documents, today = StateDocuments(licence, registration, exemption), _today()
    check_may_open(state, documents, today)

    async def is_open(connection: Connection) -> bool:
        found = await require_broker_id(connection, broker)
        return await is_open_with(connection, found, state, documents)

    async def open_now(connection: Connection) -> bool:
        return await open_state(connection, await require_broker_id(connection, broker), state, documents, getuser())

    is_new = False
    if not run_in_transaction(is_open, service=OPERATOR):
        _show_rules(state, today)
        require_yes(f"Open {state} for calls of {broker}?", yes=yes)
        is_new = run_in_transaction(open_now, service=OPERATOR)
    fields = {"state": state, "opened": is_new} | to_fields(documents)
    done = (
        f"{state} is open for calls of {broker}."
        if is_new
        else f"{state} was open with these documents: nothing changed."
    )
    print_done(done, fields, as_json=as_json)


@app.command("close")
def close_for_calls(
    broker: Broker,
    state: State,
    reason: Annotated[str, typer.Option(metavar="TEXT", parser=inputs.parse_note, help="Why it is closed.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Close a state: from now on the gate refuses every call of the broker into it. The record stays."""

    async def work(connection: Connection) -> int | None:
        found = await require_broker_id(connection, broker)
        return await queries.close_state(connection, closed_by=getuser(), reason=reason, broker_id=found, state=state)

    if run_in_transaction(work, service=OPERATOR) is None:
        raise CommandRefusedError(f"{state} is not open for {broker}.", f"See: equity states list {broker!r}")
    print_done(f"{state} is closed for {broker}.", {"state": state, "closed": True, "reason": reason}, as_json=as_json)


@app.command("list")
def list_states(
    broker: Annotated[
        str | None,
        typer.Argument(metavar="[BROKER]", parser=inputs.parse_name_or_id, help="Id or name; default: all brokers."),
    ] = None,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List open states with their documents, and what the rules of each state ask beyond those of all states."""

    async def work(connection: Connection) -> list[ListedState]:
        found = await find_broker_id(connection, broker)
        return await queries.list_states(connection, broker_id=found, with_closed=show_all)

    today = _today()
    rows = [_describe(row, today) for row in run_in_transaction(work, service=OPERATOR)]
    empty = "No state is open for calls. Open one: equity states open BROKER STATE --licence TEXT"
    print_rows(rows, _COLUMNS, as_json=as_json, empty=empty, first=("broker", "state", "licence", "proof", "problem"))


def _describe(row: ListedState, today: date) -> dict[str, Any]:
    documents = StateDocuments(row.licence, row.registration, row.exemption)
    return to_fields(row) | {
        "proof": row.registration or (f"exempt: {row.exemption}" if row.exemption else ""),
        "problem": None if row.closed_at else find_problem(row.state, documents, today),
        "rules": "; ".join(list_demands(row.state, today)),
    }


def _show_rules(state: str, today: date) -> None:
    """Print what the rules of *state* ask before it is opened, on stderr."""
    for demand in list_demands(state, today):
        print_message(f"{state}: {demand}")


def _today() -> date:
    return business_date(CliSettings().now)
