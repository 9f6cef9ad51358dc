"""The database: migrate, roll back, back up, restore."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from cli import backups, inputs, legacy
from cli.database import place
from cli.errors import CliError, RefusedError
from cli.lazy import new_app
from cli.output import AsJson, done, print_json, say, show_rows, size
from cli.settings import CliSettings
from schema import migrate

app = new_app("The database: migrate, roll back, back up, restore.")

GiveUpAfter = Annotated[
    float, typer.Option(min=1, max=86_400, metavar="SECONDS", help="How long one migration may wait for its locks.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("migrate")
def migrate_(*, give_up_after: GiveUpAfter = migrate.GIVE_UP_SECONDS, as_json: AsJson = False) -> None:
    """Bring the database up to date, and give the services' logins their passwords.

    The passwords are those of GATEWAY_DATABASE_URL, INGEST_DATABASE_URL and so on, where they are set. A migration that
    waits for a long transaction is undone and tried again, so that the services go on; each wait is shown.
    """
    dsn = _dsn()
    with _blocked_explained():
        applied = migrate.apply(
            dsn, progress=lambda name: say(f"applied {name}"), waiting=_show_wait, give_up_seconds=give_up_after
        )
    passwords = _passwords()
    migrate.set_passwords(dsn, passwords)
    if as_json:
        print_json({"applied": applied, "passwords": sorted(passwords)})
    elif not applied:
        say("The database is up to date.")


@app.command()
def rollback(
    steps: Annotated[int, typer.Option(min=1, max=100, help="How many migrations to undo.")] = 1,
    *,
    give_up_after: GiveUpAfter = migrate.GIVE_UP_SECONDS,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Undo the last migrations. What they added is gone, with the data in it: back up first."""
    dsn = _dsn()
    applied = [state.id for state in migrate.status(dsn) if state.applied]
    _ask(
        f"Undo {', '.join(reversed(applied[-steps:])) or 'nothing'} in {place(dsn)}? Data in what they added is lost.",
        yes=yes,
    )
    with _blocked_explained():
        undone = migrate.rollback(
            dsn, steps, progress=lambda name: say(f"undone {name}"), waiting=_show_wait, give_up_seconds=give_up_after
        )
    if as_json:
        print_json({"undone": undone})


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Show which migrations the database has; exit code 1 when one is missing."""
    states = migrate.status(_dsn())
    rows = [{"id": state.id, "applied": state.applied} for state in states]
    show_rows(rows, {"id": "migration", "applied": "applied"}, as_json=as_json, empty="There are no migrations.")
    missing = sum(not state.applied for state in states)
    if missing:
        raise CliError(f"{missing} migrations are missing.", "Apply them: equity db migrate")


@app.command()
def backup(
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=inputs.file_to_write,
            help="Into this new file; default: one named by database and time.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write the whole database into a file, while it runs."""
    dsn = _dsn()
    name = urlsplit(dsn).path.lstrip("/") or "equity"
    chosen = out or Path(f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump")
    written = backups.backup(dsn, chosen)
    entries = len(backups.contents(chosen))
    fields = {"file": str(chosen), "bytes": written, "entries": entries}
    done(f"{chosen}: {size(written)}, read back: {entries} entries.", fields, as_json=as_json)
    say("It holds names and addresses in clear; contact details open only with ENCRYPTION_KEY. Keep the two apart.")


@app.command()
def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", parser=inputs.file_to_read, help="What `equity db backup` wrote.")
    ],
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of what the database holds: all of it, or on any error nothing.

    The services must be stopped. On a new server run `equity db migrate` first: it makes the roles.
    """
    dsn = _dsn()
    entries = backups.contents(file)
    found = backups.target(dsn)
    if found.services:
        raise RefusedError(f"Still connected: {', '.join(found.services)}.", "Stop the services first.")
    if not found.migrated:
        raise RefusedError(
            f"{place(dsn)} has no tables of ours yet.", "Run `equity db migrate` first: it makes the roles."
        )
    _ask(f"Replace everything in {place(dsn)} ({found.leads:,} leads) by {file}?", yes=yes)
    backups.restore(dsn, file, entries)
    leads = backups.target(dsn).leads
    missing = [state.id for state in migrate.status(dsn) if not state.applied]
    done(f"Restored: {leads:,} leads.", {"leads": leads, "migrations_missing": missing}, as_json=as_json)
    if missing:
        say(f"The backup is older than this version ({len(missing)} migrations): run `equity db migrate`.")


@app.command()
def backfill(
    *,
    trust_contacts: Annotated[
        bool,
        typer.Option("--trust-contacts", help="Call every contact that came over verified. Nobody has checked them."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Encrypt the contact details that `migrate` carried over in clear from a legacy database. May be run again."""
    encrypted = legacy.encrypt_contacts(_dsn(), lambda count: say(f"{count:,} encrypted"))
    trusted = legacy.trust_contacts(_dsn()) if trust_contacts else 0
    told = f"{encrypted['encrypted']:,} encrypted, {encrypted['unusable']:,} unusable; {trusted:,} leads trusted."
    done(told, {**encrypted, "leads_trusted": trusted}, as_json=as_json)


def _show_wait(wait: migrate.LockWait) -> None:
    """Say that a migration waits, and for which sessions."""
    say(
        f"{wait.migration} waits for a lock (attempt {wait.attempt}), undone until the next in {wait.pause_seconds:.1f} s"
    )
    for blocker in wait.blockers:
        say(f"  held by {blocker}")
    if not wait.blockers:
        say("  held by another migrator or a session that had ended when it was looked for")


@contextmanager
def _blocked_explained() -> Iterator[None]:
    try:
        yield
    except migrate.MigrationBlockedError as error:
        held = "; ".join(map(str, error.blockers)) or "no session that can be seen"
        pids = [blocker.pid for blocker in error.blockers if blocker.pid]
        end = ", ".join(f"select pg_terminate_backend({pid})" for pid in pids) or "see pg_locks and pg_stat_activity"
        raise CliError(
            f"{error}. The locks are held by: {held}.",
            f"Run it again when they have ended, or end them yourself: {end}. Migrations before this one stay applied.",
        ) from error


def _dsn() -> str:
    return CliSettings().admin_dsn


def _passwords() -> dict[str, str]:
    """The passwords of the services' roles, from `<SERVICE>_DATABASE_URL`."""
    found = {}
    for variable, url in os.environ.items():
        login = urlsplit(url) if variable.endswith("_DATABASE_URL") else None
        if (
            login
            and login.password
            and (login.username or "") == f"svc_{variable.removesuffix('_DATABASE_URL').lower()}"
        ):
            found[str(login.username)] = unquote(login.password)
    return found


def _ask(question: str, *, yes: bool) -> None:
    """Ask on the terminal. Raises RefusedError where there is none, and ends when the answer is no."""
    if not yes:
        if not os.isatty(0):
            raise RefusedError(f"{question} Nobody is here to answer.", "Say --yes to do it without asking.")
        typer.confirm(question, abort=True, err=True)
