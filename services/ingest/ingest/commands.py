"""Commands of ingest's data: records that contradict each other."""

from enum import StrEnum
from getpass import getuser
from typing import Annotated

import typer

from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import Connection, run_in_transaction
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_done, print_rows, to_fields
from cli.shell.personal_texts import PersonalTexts
from cli.shell.reencryption import LOWEST_ID, EncryptedColumn
from common.csv.rejects import decrypt_row, encrypt_row
from common.ids import LeadId, UploadId
from common.pii.keyring import Keyring
from ingest import command_queries as queries
from ingest.command_queries import ListedConflict, OutdatedDataKey, OutdatedReject, SearchedReject

conflicts = new_app(
    """Records that contradict each other.

    key_held: a record brought a key that another lead holds. key_differs: a lead has one key, a record brought another.
    owner_changed: the property has another owner now; the lead is paused and its consent void until a person decides.
    """,
    panel="Watching",
    summary="Records that contradict each other: list, and resolve.",
    order=30,
)

_COLUMNS = {"id": "id", "kind": "kind", "property": "property", "owner": "owner", "about": "about",
            "refused": "refused value", "has": "lead has", "holder": "held by", "lead_status": "status",
            "created_at": "since"}  # fmt: skip
_IDS = {"id": "id", "kind": "kind", "lead_id": "lead", "other_lead_id": "held by", "column_name": "about",
        "value": "refused value", "lead_has": "lead has", "lead_status": "status", "created_at": "since"}  # fmt: skip
_RELEASED = {
    "transitioned": "continues where it was",
    "owner_unresolved": "stays paused: another change of its owner is not resolved",
    "deceased": "stays paused: its owner is marked as deceased",
    "litigator": "stays paused: its owner is marked as one who sues callers",
}
_ABOUT = {"mak": "MAK", "apn_key": "parcel number", "addr_hash": "address"}


class ConflictKind(StrEnum):
    """Kind of a contradiction."""

    KEY_HELD = "key_held"
    KEY_DIFFERS = "key_differs"
    OWNER_CHANGED = "owner_changed"


class ConflictDecision(StrEnum):
    """Decision of a person about a conflict."""

    KEEP = "keep"
    TAKE = "take"
    DISMISS = "dismiss"


@conflicts.command("list")
def list_conflicts(
    kind: Annotated[ConflictKind | None, typer.Option(help="Only of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of conflicts, the oldest first.")] = 50,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    ids: Annotated[bool, typer.Option("--ids", help="Show the leads' ids and the keys as they are stored.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the conflicts that wait for a decision, the oldest first."""
    listed = run_in_transaction(
        lambda connection: queries.list_conflicts(connection, with_resolved=show_all, kind=kind, page_size=limit),
        service="ingest",
    )
    described = [to_fields(row) if as_json else _describe_conflict(row) for row in listed]
    columns = _IDS if ids else _COLUMNS
    first = ("id", "kind", "property", "lead_id", "about")
    print_rows(described, columns, as_json=as_json, empty="No conflict waits.", first=first)


def _describe_conflict(row: ListedConflict) -> dict[str, object]:
    """Return the fields of *row* with address and owner of the homes. The hash of an address means nothing to a person."""
    by_address = row.column_name == "addr_hash"
    return to_fields(row) | {
        "about": _ABOUT.get(row.column_name, row.column_name),
        "refused": (row.other_property or "another address") if by_address else row.value,
        "has": row.property if by_address else row.lead_has,
        "holder": ", ".join(filter(None, (row.other_property, row.other_owner))),
    }


@conflicts.command("resolve")
def resolve_conflict(
    conflict: Annotated[int, typer.Argument(metavar="ID", parser=inputs.parse_number, help="The conflict's number.")],
    decision: Annotated[
        ConflictDecision,
        typer.Argument(
            metavar="DECISION",
            help="keep: the lead stays as it is. take: it gets the refused key; a new owner's lead starts over. "
            "dismiss: there is no contradiction.",
        ),
    ],
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", parser=inputs.parse_note, help="Why; kept with the conflict.")
    ] = None,
    *,
    release: Annotated[
        bool, typer.Option("--release", help="Let the paused lead continue where it was (with keep or dismiss).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Resolve a conflict. A value that a key displaces is recorded, so that none is lost."""
    if release and decision is ConflictDecision.TAKE:
        raise UsageError("`take` starts a new owner's lead over by itself.", "Leave --release away.")

    async def work(connection: Connection) -> tuple[str, str | None]:
        result = await queries.resolve_conflict(
            connection, conflict_id=conflict, resolution=decision, by_whom=getuser(), note=note
        )
        released = await queries.release_lead_of_conflict(connection, conflict_id=conflict) if release else None
        return result, released

    result, released = run_in_transaction(work, service="ingest")
    if result == "unknown":
        raise CommandRefusedError(f"There is no conflict {conflict}.", "`equity conflicts list --all` shows them.")
    if result == "already":
        raise CommandRefusedError(
            f"Conflict {conflict} is resolved already.", "`equity conflicts list --all` says how."
        )
    message = f"Conflict {conflict} is resolved: {decision}."
    message += f" The lead {_RELEASED.get(released, released)}." if released else ""
    print_done(message, {"id": conflict, "resolution": decision, "released": released}, as_json=as_json)


def _reencrypt_reject(keyring: Keyring, reject: OutdatedReject) -> bytes:
    place = reject.upload_id, reject.row
    return encrypt_row(keyring, *place, decrypt_row(keyring, *place, reject.encrypted))


ENCRYPTED_COLUMNS = (
    EncryptedColumn[OutdatedDataKey](
        "data keys of leads",
        find_outdated=lambda connection, key_id, last, page_size: queries.find_outdated_data_keys(
            connection, key_id=key_id, after=last.id if last else LeadId(LOWEST_ID), page_size=page_size
        ),
        reencrypt=lambda keyring, row: keyring.rewrap_data_key(row.id, row.encrypted),
        save=lambda connection, rows, values: queries.save_data_keys(
            connection, lead_ids=[row.id for row in rows], encrypted=values
        ),
    ),
    EncryptedColumn[OutdatedReject](
        "rejected rows",
        find_outdated=lambda connection, key_id, _, page_size: queries.find_outdated_rejects(
            connection, key_id=key_id, page_size=page_size
        ),
        reencrypt=_reencrypt_reject,
        save=lambda connection, rows, values: queries.save_rejects(
            connection,
            upload_ids=[row.upload_id for row in rows],
            rows=[row.row for row in rows],
            encrypted=values,
        ),
    ),
)


def _read_reject(keyring: Keyring, reject: SearchedReject) -> str:
    return "\n".join(decrypt_row(keyring, reject.upload_id, reject.row, reject.encrypted).values())


async def _empty_rejects(connection: Connection, keyring: Keyring, rejects: list[SearchedReject]) -> None:
    await queries.save_rejects(
        connection,
        upload_ids=[reject.upload_id for reject in rejects],
        rows=[reject.row for reject in rejects],
        encrypted=[encrypt_row(keyring, reject.upload_id, reject.row, {}) for reject in rejects],
    )


PERSONAL_TEXTS = (
    PersonalTexts[SearchedReject](
        "rejected rows",
        read_page=lambda connection, last, page_size: queries.lock_rejects(
            connection,
            upload_id=last.upload_id if last else UploadId(LOWEST_ID),
            row=last.row if last else 0,
            page_size=page_size,
        ),
        read_text=_read_reject,
        empty=_empty_rejects,
    ),
)
