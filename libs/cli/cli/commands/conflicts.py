"""Records that contradict each other."""

from enum import StrEnum
from getpass import getuser
from typing import Annotated

import typer

from cli import inputs
from cli.database import Connection, Row, in_transaction, queries, select
from cli.errors import RefusedError, UsageError
from cli.lazy import new_app
from cli.output import AsJson, done, show_rows

app = new_app(
    """Records that contradict each other.

    key_held: a record brought a key that another lead holds. key_differs: a lead has one key, a record brought another.
    owner_changed: the owner is somebody else now; the lead is paused and its consent void until a person looked.
    """,
)

_COLUMNS = {"id": "id", "kind": "kind", "property": "property", "owner": "owner", "about": "about",
            "refused": "refused value", "has": "lead has", "holder": "held by", "lead_status": "status",
            "created_at": "since"}  # fmt: skip
_IDS = {"id": "id", "kind": "kind", "lead_id": "lead", "other_lead_id": "held by", "column_name": "about",
        "value": "refused value", "lead_has": "lead has", "lead_status": "status", "created_at": "since"}  # fmt: skip
_ABOUT = {"mak": "MAK", "apn_key": "parcel number", "addr_hash": "address"}


class Kind(StrEnum):
    """What contradicts what."""

    KEY_HELD = "key_held"
    KEY_DIFFERS = "key_differs"
    OWNER_CHANGED = "owner_changed"


class Decision(StrEnum):
    """What a person may decide."""

    KEEP = "keep"
    TAKE = "take"
    DISMISS = "dismiss"


@app.command("list")
def list_conflicts(
    kind: Annotated[Kind | None, typer.Option(help="Only of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The oldest so many.")] = 50,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    ids: Annotated[bool, typer.Option("--ids", help="Show the leads' ids and the keys as they are stored.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the conflicts that wait for a decision, the oldest first."""
    rows = select(queries.list_conflicts, all=show_all, kind=kind, limit=limit)
    told = rows if as_json else [_in_words(row) for row in rows]
    columns = _IDS if ids else _COLUMNS
    first = ("id", "kind", "property", "lead_id", "about")
    show_rows(told, columns, as_json=as_json, empty="No conflict waits.", first=first)


def _in_words(row: Row) -> Row:
    """*row* with what a person knows a home by; the hash of an address says nothing to anybody."""
    holder = ", ".join(filter(None, (row["other_property"], row["other_owner"])))
    by_address = row["column_name"] == "addr_hash"
    return row | {
        "about": _ABOUT.get(row["column_name"], row["column_name"]),
        "refused": (row["other_property"] or "another address") if by_address else row["value"],
        "has": row["property"] if by_address else row["lead_has"],
        "holder": holder,
    }


@app.command()
def resolve(
    conflict: Annotated[int, typer.Argument(metavar="ID", parser=inputs.number, help="The conflict's number.")],
    decision: Annotated[
        Decision,
        typer.Argument(
            metavar="DECISION",
            help="keep: the lead stays as it is. take: it gets the refused key; a new owner's lead starts over. "
            "dismiss: there is nothing in it.",
        ),
    ],
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", parser=inputs.note, help="Why; kept with the conflict.")
    ] = None,
    *,
    release: Annotated[
        bool, typer.Option("--release", help="Let the paused lead go on where it was (with keep or dismiss).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Settle a conflict. What a key displaces is recorded, so that no value is lost."""
    if release and decision is Decision.TAKE:
        raise UsageError("`take` starts a new owner's lead over by itself.", "Leave --release away.")

    async def work(connection: Connection) -> tuple[str, str | None]:
        result = await queries.resolve_conflict(connection, id=conflict, how=decision, by_whom=getuser(), note=note)
        released = await queries.release_lead_of(connection, conflict_id=conflict) if release else None
        return result, released

    result, released = in_transaction(work)
    if result == "unknown":
        raise RefusedError(f"There is no conflict {conflict}.", "`equity conflicts list --all` shows them.")
    if result == "already":
        raise RefusedError(f"Conflict {conflict} is settled already.", "`equity conflicts list --all` says how.")
    told = f"Conflict {conflict} is settled: {decision}." + (f" The lead: {released}." if released else "")
    done(told, {"id": conflict, "resolution": decision, "released": released}, as_json=as_json)
