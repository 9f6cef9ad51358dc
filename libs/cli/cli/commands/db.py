"""The database: migrate, roll back, back up, restore."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from cli import backup, legacy_leads
from cli.commands.erase.newer_erasures import NewerErasures
from cli.kept_suppressions import can_hold
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.confirmation import YesOption, require_yes
from cli.shell.database import database_address, role_name
from cli.shell.errors import CliError, CommandRefusedError
from cli.shell.output import AsJson, format_bytes, print_done, print_json, print_message, print_rows
from cli.shell.settings import CliSettings
from schema import migrate

app = new_app(
    "The database: migrate, roll back, back up, restore.",
    panel="Running it",
    summary="The database: migrate, roll back, back up, restore.",
    order=50,
)

GiveUpAfterOption = Annotated[
    float, typer.Option(min=1, max=86_400, metavar="SECONDS", help="How long one migration may wait for its locks.")
]


@app.command("migrate")
def migrate_database(*, give_up_after: GiveUpAfterOption = migrate.GIVE_UP_SECONDS, as_json: AsJson = False) -> None:
    """Bring the database up to date, and give the services' logins their passwords.

    The passwords are those of GATEWAY_DATABASE_URL, INGEST_DATABASE_URL and so on, where they are set. A migration that
    waits for a long transaction is undone and tried again, so that the services go on. Each wait is shown.
    """
    dsn = _owner_dsn()
    with _explain_blocked_migration():
        applied = migrate.apply(
            dsn,
            progress=lambda name: print_message(f"applied {name}"),
            waiting=_report_wait,
            give_up_seconds=give_up_after,
        )
    passwords = _read_passwords()
    migrate.set_passwords(dsn, passwords)
    if as_json:
        print_json({"applied": applied, "passwords": sorted(passwords)})
    elif not applied:
        print_message("The database is up to date.")


@app.command("rollback")
def roll_back_migrations(
    steps: Annotated[int, typer.Option(min=1, max=100, help="How many migrations to undo.")] = 1,
    *,
    give_up_after: GiveUpAfterOption = migrate.GIVE_UP_SECONDS,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Undo the last migrations. What they added is gone, with the data in it: back up first."""
    dsn = _owner_dsn()
    applied = [state.id for state in migrate.status(dsn) if state.applied]
    require_yes(
        f"Undo {', '.join(reversed(applied[-steps:])) or 'nothing'} in {database_address(dsn)}? Data in what they added is lost.",
        yes=yes,
    )
    with _explain_blocked_migration():
        undone = migrate.rollback(
            dsn,
            steps,
            progress=lambda name: print_message(f"undone {name}"),
            waiting=_report_wait,
            give_up_seconds=give_up_after,
        )
    if as_json:
        print_json({"undone": undone})


@app.command("status")
def show_migrations(*, as_json: AsJson = False) -> None:
    """Show which migrations the database has; exit code 1 when one is missing."""
    states = migrate.status(_owner_dsn())
    rows = [{"id": state.id, "applied": state.applied} for state in states]
    print_rows(rows, {"id": "migration", "applied": "applied"}, as_json=as_json, empty="There are no migrations.")
    missing = sum(not state.applied for state in states)
    if missing:
        raise CliError(f"{missing} migrations are missing.", "Apply them: equity db migrate")


@app.command("backup")
def back_up_database(
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=inputs.parse_new_file,
            help="Into this new file; default: one named by database and time.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write the whole database into a file, while it runs."""
    dsn = _owner_dsn()
    name = urlsplit(dsn).path.lstrip("/") or "equity"
    chosen = out or Path(f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump")
    written = backup.write_backup(dsn, chosen)
    entries = len(backup.list_entries(chosen))
    fields = {"file": str(chosen), "bytes": written, "entries": entries}
    print_done(f"{chosen}: {format_bytes(written)}, read back: {entries} entries.", fields, as_json=as_json)
    print_message(
        "It holds names and addresses in clear; contact details open only with ENCRYPTION_KEY. Keep the two apart."
    )


@app.command("restore")
def restore_database(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", parser=inputs.parse_readable_file, help="What `equity db backup` wrote.")
    ],
    *,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of what the database holds: all of it, or on any error nothing.

    Opt-outs and other suppressions that are newer stay. A list of newer erasures is written beside FILE, to repeat them. The
    services must be stopped. On a new server run `equity db migrate` first: it makes the roles.
    """
    dsn = _owner_dsn()
    entries = backup.list_entries(file)
    found = backup.inspect_target(dsn)
    if found.services:
        raise CommandRefusedError(f"Still connected: {', '.join(found.services)}.", "Stop the services first.")
    if not found.is_migrated:
        raise CommandRefusedError(
            f"{database_address(dsn)} has no tables of ours yet.", "Run `equity db migrate` first: it makes the roles."
        )
    require_yes(f"Replace everything in {database_address(dsn)} ({found.lead_count:,} leads) by {file}?", yes=yes)
    erasures = NewerErasures.save(file, has_table=found.has_erasures)
    keeps = found.suppression_count > 0 and can_hold(entries)
    kept = backup.restore_backup(dsn, file, entries, keeps_suppressions=keeps)
    restored = backup.inspect_target(dsn)
    open_erasures = erasures.list_open(has_table=restored.has_erasures)
    missing = [state.id for state in migrate.status(dsn) if not state.applied]
    fields = {"leads": restored.lead_count, "migrations_missing": missing, "suppressions_kept": kept.added,
              "erasures_to_repeat": len(open_erasures), "erasures_file": erasures.file if open_erasures else None}  # fmt: skip
    message = f"Restored: {restored.lead_count:,} leads. Newer suppressions that were kept: {kept.added:,}."
    print_done(message, fields, as_json=as_json)
    _report_next_steps(len(missing), kept.lost if keeps else found.suppression_count, len(open_erasures), erasures.file)


def _report_next_steps(migrations: int, suppressions: int, erasures: int, file: Path) -> None:
    """Name what a restore could not do. *suppressions*: those of the replaced data that an old backup may lack."""
    if suppressions:
        print_message(
            f"The backup is too old to take over suppressions: up to {suppressions:,} may be missing. Add them from the copy "
            "of the replaced database."
        )
    if migrations:
        print_message(f"The backup is older than this version ({migrations} migrations): run `equity db migrate`.")
    if erasures:
        print_message(
            f"Erased after the backup, and back with it: {erasures:,} persons. Before the services start: "
            f"equity erase --repeat {file} --reason 'restored backup'"
        )


@app.command("backfill")
def complete_legacy_leads(
    *,
    trust_contacts: Annotated[
        bool,
        typer.Option("--trust-contacts", help="Count every contact that came over as verified, unchecked."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Encrypt the contact details that `migrate` carried over in clear from a legacy database, and compute its parcel keys.

    May be run again.
    """
    parcel_keys = legacy_leads.assign_parcel_keys(_owner_dsn())
    encrypted = legacy_leads.encrypt_contacts(_owner_dsn(), lambda count: print_message(f"{count:,} encrypted"))
    trusted = legacy_leads.trust_contacts(_owner_dsn()) if trust_contacts else 0
    message = (
        f"{parcel_keys:,} parcel keys; {encrypted['encrypted']:,} encrypted, {encrypted['unusable']:,} unusable; "
        f"{trusted:,} leads trusted."
    )
    print_done(message, {"parcel_keys": parcel_keys, **encrypted, "leads_trusted": trusted}, as_json=as_json)


def _report_wait(wait: migrate.LockWait) -> None:
    """Report that a migration waits, and for which sessions."""
    print_message(
        f"{wait.migration} waits for a lock (attempt {wait.attempt}), undone until the next in {wait.backoff_seconds:.1f} s"
    )
    for blocker in wait.blockers:
        print_message(f"  held by {blocker}")
    if not wait.blockers:
        print_message("  held by another migrator or a session that has ended meanwhile")


@contextmanager
def _explain_blocked_migration() -> Iterator[None]:
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


def _owner_dsn() -> str:
    return CliSettings().owner_dsn


def _read_passwords() -> dict[str, str]:
    """Return the passwords of the login roles, from `<SERVICE>_DATABASE_URL` and `OPERATOR_DATABASE_URL`."""
    found = {}
    for variable, url in os.environ.items():
        login = urlsplit(url) if variable.endswith("_DATABASE_URL") else None
        if (
            login
            and login.password
            and (login.username or "") == role_name(variable.removesuffix("_DATABASE_URL").lower())
        ):
            found[str(login.username)] = unquote(login.password)
    return found
