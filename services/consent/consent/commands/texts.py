"""`equity consent texts`: versions of the text to which people consent."""

from getpass import getuser
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from cli.shell import inputs
from cli.shell.app import new_subgroup
from cli.shell.confirmation import YesOption, require_yes
from cli.shell.database import Connection, run_in_transaction
from cli.shell.errors import CommandRefusedError
from cli.shell.output import AsJson, print_done, print_rows
from consent import command_queries as queries
from consent.texts import ConsentText, InvalidTextError, hash_text, read_text_file

texts = new_subgroup("Texts to which people consent: publish a version, list them.")

_SERVICE = "consent"
_COLUMNS = {"version": "version", "is_current": "current", "covers": "covers", "published_at": "published",
            "published_by": "by", "text_hash": "hash"}  # fmt: skip


@texts.command("publish")
def publish_text(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", parser=inputs.parse_readable_file, help="YAML file; default: the shipped text."),
    ] = None,
    *,
    if_none: Annotated[
        bool, typer.Option("--if-none", help="Change nothing where a text is published already.")
    ] = False,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Publish a text as the next version, which the form shows from now on.

    A text that lacks an element in English or Spanish, or whose element does not say it, is refused (docs/consent.md lists
    the elements). Publishing the current text again changes nothing. A version never changes.
    """
    text = _read_text(file)
    current = run_in_transaction(queries.find_current_text, service=_SERVICE)
    is_wanted = current is None or (not if_none and current.text != text.to_json())
    if is_wanted:
        require_yes(
            "Publish this text? The form shows it at once, and forms that are open must be read again.", yes=yes
        )
    if is_wanted or current is None:
        version, is_new = run_in_transaction(lambda connection: _publish(connection, text), service=_SERVICE)
    else:
        version, is_new = current.version, False
    done = f"Published version {version}." if is_new else f"Version {version} is the current one. Nothing changed."
    fields = {"version": version, "is_new": is_new}
    print_done(done, fields, as_json=as_json)


@texts.command("list")
def list_texts(*, as_json: AsJson = False) -> None:
    """List the versions, the newest first. With --json, the words too."""
    rows = run_in_transaction(queries.list_texts, service=_SERVICE)
    shown = [
        {
            "version": row.version,
            "is_current": number == 0,
            "covers": row.covers,
            "published_at": row.published_at,
            "published_by": row.published_by,
            "text_hash": hash_text(row.text).hex() if as_json else hash_text(row.text).hex()[:12],
            **({"text": row.text} if as_json else {}),
        }
        for number, row in enumerate(rows)
    ]
    empty = "No text is published, so the form is not offered. Publish one: equity consent texts publish"
    print_rows(shown, _COLUMNS, as_json=as_json, empty=empty, first=("version", "is_current", "published_at"))


async def publish_default_text(connection: Connection) -> int:
    """Publish the shipped text where no text is published yet, as the demo does. Return the current version."""
    current = await queries.find_current_text(connection)
    return current.version if current else (await _publish(connection, _read_text(None)))[0]


async def _publish(connection: Connection, text: ConsentText) -> tuple[int, bool]:
    """Return the version of *text*, and whether it is new."""
    await queries.lock_texts(connection)
    current = await queries.find_current_text(connection)
    stored = text.to_json()
    if current and current.text == stored:
        return current.version, False
    version = await queries.add_text(connection, text=stored, covers=list(text.covers), published_by=getuser())
    return version, True


def _read_text(file: Path | None) -> ConsentText:
    """Return the text of *file*, or the shipped one. Raises CommandRefusedError with all faults."""
    source = file or files("consent").joinpath("consent_text.yaml")
    try:
        return read_text_file(source.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise CommandRefusedError(f"{file} is no text in UTF-8.", "Save it as UTF-8.") from error
    except InvalidTextError as error:
        faults = "\n".join(f"  {fault}" for fault in error.faults)
        raise CommandRefusedError(
            f"This text may not be published:\n{faults}", "Correct the file: docs/consent.md lists the elements."
        ) from error
