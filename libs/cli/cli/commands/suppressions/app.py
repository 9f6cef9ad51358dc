"""`equity suppressions`: list, add, import and lift addresses and numbers that must not be contacted."""

import asyncio
from collections.abc import Sequence
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands.suppressions import queries
from cli.commands.suppressions.importing import Import, ImportResult, import_file
from cli.commands.suppressions.value_file import PROBLEM_TEXTS, read_value
from cli.commands.suppressions.writing import Effect, OperatorReason, Suppression, suppress_values
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.confirmation import YesOption, require_yes
from cli.shell.database import OPERATOR, connect, run_in_transaction, service_dsn
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_done, print_message, print_rows, to_fields
from cli.shell.settings import CliSettings
from common.compliance.gate import Channel
from common.compliance.opt_outs import SuppressionReason
from common.pii.keyring import Keyring

app = new_app(
    "Addresses and numbers that must not be contacted, as keyed hashes (docs/suppressions.md).",
    panel="Compliance",
    summary="Suppressions: list, add, import, lift.",
    order=30,
)

Reason = Annotated[OperatorReason, typer.Option(help="Reason; docs/suppressions.md explains each.")]
Note = Annotated[
    str,
    typer.Option(
        "--note",
        metavar="TEXT",
        parser=inputs.parse_note,
        help="Why, and from where. It is kept: name no person in it.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the effect, and change nothing.")]
_COLUMNS = {"id": "id", "channel": "channel", "reason": "reason", "at": "since", "is_active": "active", "lead_id": "lead",
            "value_hash": "value (hash)", "hash_key_id": "key", "added_by": "added by", "added_note": "why",
            "lifted_at": "lifted", "lifted_by": "lifted by", "lift_note": "why lifted"}  # fmt: skip
_FIRST = ("id", "channel", "reason", "at", "is_active", "added_by", "added_note")
_PRINTED_LINES = 20
_LIFT_REFUSALS = {
    "missing": "there is no such suppression",
    "kept": "only an operator's own decision (reason operator) can be lifted; a person undoes an opt-out from calls by a signature",
    "not_ours": "no operator added it: it came from a file or a service",
}


@app.command("list")
def list_suppressions(
    channel: Annotated[Channel | None, typer.Option(help="Only this channel.")] = None,
    reason: Annotated[SuppressionReason | None, typer.Option(help="Only this reason.")] = None,
    value: Annotated[str | None, typer.Option(metavar="VALUE", help="Only this email address or phone number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Number of rows, the newest first.")] = 50,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Lifted ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List suppressions. Values are keyed hashes; --value asks about one address or number."""
    value_hash = None
    if value is not None:
        value_channel, plain = _require_value(value)
        if channel not in (None, value_channel):
            raise UsageError(f"The value is no {'email address' if channel == 'email' else 'phone number'}.")
        channel, value_hash = value_channel, Keyring.from_settings(CliSettings()).hash_contact(plain)
    rows = run_in_transaction(
        lambda connection: queries.list_suppressions(
            connection, channel=channel, reason=reason, value_hash=value_hash, with_lifted=show_all, page_size=limit
        ),
        service=OPERATOR,
    )
    empty = "It is not suppressed." if value else "No suppressions."
    print_rows(rows, _COLUMNS, as_json=as_json, empty=empty, first=_FIRST)


@app.command("add")
def add_suppression(
    reason: Reason,
    note: Note,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="An email address.")] = None,
    phone: Annotated[str | None, typer.Option(metavar="NUMBER", help="A phone number.")] = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Suppress an address or a number for every lead, at once.

    A lead with this address leaves its campaign, and consents for this number end. The same value and reason again has no
    second effect. Only the reason `operator` can be lifted later.
    """
    if (email is None) == (phone is None):
        raise UsageError("Which value is suppressed?", "Give --email ADDRESS or --phone NUMBER.")
    channel, value = _require_value(email or phone or "")
    if (channel == "email") != (email is not None):
        raise UsageError("This is a phone number: say --phone." if email else "This is an email address: say --email.")
    keyring = Keyring.from_settings(CliSettings())
    suppression = Suppression(reason, note, keyring.hash_key_id)
    effect = asyncio.run(_add_value(channel, keyring.hash_contact(value), suppression, is_dry_run=dry_run))
    fields = (
        {"channel": channel, "reason": reason, "dry_run": dry_run} | to_fields(effect) | {"added": effect.added > 0}
    )
    if not effect.added:
        message = f"It was suppressed as {reason} already. Consents that end: {effect.consents:,}."
    else:
        message = ("It would be suppressed. " if dry_run else "It is suppressed from now on. ") + _describe(effect)
    print_done(message + _dry_run_note(is_dry_run=dry_run), fields, as_json=as_json)


@app.command("import")
def import_suppressions(
    file: Annotated[Path, typer.Argument(metavar="FILE", parser=inputs.parse_readable_file, help="CSV or text file.")],
    reason: Reason,
    note: Note,
    refused: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=inputs.parse_new_file, help="Write number and problem of refused lines here."
        ),
    ] = None,
    *,
    dry_run: DryRun = False,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Suppress every address and number of a file: one a line, or area code and number as the registry exports them.

    A file of any length is read line by line. Run it again after an interruption: what was added stays and counts as
    `already`. Lines without exactly one value are refused with their numbers, the others are used, and the exit code is 3.
    """
    if refused and refused.exists() and refused.samefile(file):
        raise UsageError("--refused names the file that is imported.", "Name another file.")
    if not dry_run:
        require_yes(f"Suppress every value of {file.name} as {reason}?", yes=yes)
    keyring = Keyring.from_settings(CliSettings())
    job = Import(file, Suppression(reason, note, keyring.hash_key_id), keyring, refused, dry_run)
    result = asyncio.run(import_file(job))
    counts = result.to_json()
    message = (
        f"{counts['added']:,} added, {counts['already']:,} were suppressed already, {counts['refused']:,} lines refused. "
        f"{_describe(result.effect)}{' The first line is a header.' if counts['header_lines'] else ''}"
    )
    print_done(message + _dry_run_note(is_dry_run=dry_run), counts | {"dry_run": dry_run}, as_json=as_json)
    _report_refused(result, refused)


@app.command("lift")
def lift_suppressions(
    suppressions: Annotated[
        list[int], typer.Argument(metavar="ID...", parser=inputs.parse_number, help="Ids, as `list` shows them.")
    ],
    note: Note,
    *,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Lift entries with the reason `operator` that an operator added or imported.

    No other reason is lifted: only the person can undo a statement of the person, and an entry of a registry, about a litigator
    or about a death stays. Leads do not return to a campaign that they left.
    """
    require_yes("Lift them? The values may be contacted again if nothing else forbids it.", yes=yes)
    results = asyncio.run(_lift_each(list(dict.fromkeys(suppressions)), note))
    lifted = sum(row["result"] == "lifted" for row in results)
    already = sum(row["result"] == "already" for row in results)
    print_done(f"{lifted:,} lifted, {already:,} were lifted already.", {"results": results}, as_json=as_json)
    _raise_unless_lifted(results)


def _raise_unless_lifted(results: Sequence[dict[str, Any]]) -> None:
    """Name each entry that was not lifted, and why. Raises CommandRefusedError if there is one."""
    refused = [row for row in results if row["result"] in _LIFT_REFUSALS]
    for row in refused:
        print_message(f"{row['id']}: {_LIFT_REFUSALS[row['result']]}.")
    if refused:
        raise CommandRefusedError(f"{len(refused):,} not lifted.", "`equity suppressions list --all` shows them.")


def _report_refused(result: ImportResult, file: Path | None) -> None:
    """Name the lines that were refused. Raises CommandRefusedError if there is one."""
    count = result.counts["refused"]
    if not count:
        return
    for bad in result.bad_lines[:_PRINTED_LINES]:
        print_message(f"line {bad.line:,}: {PROBLEM_TEXTS[bad.problem]}")
    where = f"{file} names each." if file else "--refused FILE writes the number of each."
    if count > _PRINTED_LINES:
        print_message(f"... and {count - _PRINTED_LINES:,} more.")
    raise CommandRefusedError(f"{count:,} lines were not used.", f"{where} Correct them, and import the file again.")


async def _lift_each(suppressions: Sequence[int], note: str) -> list[dict[str, Any]]:
    """Lift each entry in its own transaction, which holds one lock: so no opt-out meets a deadlock."""
    actor = getuser()
    async with connect(service_dsn(OPERATOR)) as connection:
        return [
            {
                "id": one,
                "result": await queries.lift_suppression(connection, suppression_id=one, actor=actor, note=note),
            }
            for one in suppressions
        ]


async def _add_value(channel: Channel, value_hash: bytes, suppression: Suppression, *, is_dry_run: bool) -> Effect:
    async with connect(service_dsn(OPERATOR)) as connection:
        return await suppress_values(connection, {channel: [value_hash]}, suppression, is_dry_run=is_dry_run)


def _describe(effect: Effect) -> str:
    return (
        f"Leads that have it: {effect.leads:,}; memberships in campaigns that end: {effect.memberships:,}; "
        f"consents that end: {effect.consents:,}."
    )


def _dry_run_note(*, is_dry_run: bool) -> str:
    return " This was a dry run: nothing was stored." if is_dry_run else ""


def _require_value(text: str) -> tuple[Channel, str]:
    """Return channel and normal form of a value. Raises UsageError."""
    found = read_value(text)
    if found is None and "@" in text:
        raise UsageError("This is not an email address that can receive mail.", "Such as dana@example.com.")
    if found is None:
        raise UsageError("This is not a phone number of the United States.", "Ten digits, such as 727 555 0142.")
    return found
