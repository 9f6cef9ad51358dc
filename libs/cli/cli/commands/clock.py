"""The clock of the services: the machine's, or one that is moved for a test or a demonstration."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.shell.app import new_app
from cli.shell.errors import CliError, UsageError
from cli.shell.moments import parse_clock_time
from cli.shell.output import AsJson, new_console, print_json, print_message
from cli.shell.settings import CliSettings
from common.calendar import clock
from common.calendar.business_date import BUSINESS_ZONE

app = new_app(
    "The clock that jobs and feeds use. It can be moved where CLOCK_FILE is set: never in production.",
    panel="Running it",
    summary="The clock of jobs and feeds: show it, and move it for a demonstration.",
    order=30,
)


@app.command("show")
def show_clock(*, as_json: AsJson = False) -> None:
    """Show what time it is for the services, and whether the clock was moved."""
    settings = CliSettings()
    ahead = _read_offset(settings.clock_file) if settings.clock_file else timedelta()
    if as_json:
        _print_clock_json(settings.clock_file, ahead)
        return
    new_console().print(describe_clock(ahead))
    if settings.clock_file is None:
        print_message("CLOCK_FILE is not set: it cannot be moved.")


@app.command("set")
def set_clock(
    moment: Annotated[str, typer.Argument(metavar="MOMENT", help='Such as "next feeding day 05:59", in Los Angeles.')],
    *,
    as_json: AsJson = False,
) -> None:
    """Let the clock show MOMENT now and go on from there, in every service that has the same CLOCK_FILE.

    MOMENT is a date and time (`2027-03-01 05:59`), or words: `today`, `tomorrow`, `monday`, `next weekday`, `next feeding day`,
    each with a time. Without a zone it is the time of Los Angeles, as jobs are. Services notice within a second or two. It goes no
    further back than inboxes remember: what services then say would be too old to be handled.
    """
    file, now = _require_clock_file(), datetime.now(UTC)
    wanted = parse_clock_time(moment, now + _read_offset_or_zero(file))
    oldest, latest = now - timedelta(days=CliSettings().inbox_days - 1), now + clock.MAX_CLOCK_OFFSET
    if not oldest < wanted < latest:
        raise UsageError(
            f"{moment!r} is too far from the machine's time: inboxes delete what is older, and a later time is taken for a mistake.",
            f"Name a moment between {oldest:%Y-%m-%d} and {latest:%Y}, or words such as: next feeding day 05:59.",
        )
    before = _read_offset_or_zero(file)
    move_clock(file, wanted)
    _report_clock(file, before, as_json=as_json)


@app.command("reset")
def reset_clock(*, as_json: AsJson = False) -> None:
    """Let services use the machine's time again."""
    file = _require_clock_file()
    before = _read_offset_or_zero(file)
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable_error(file, error) from error
    _report_clock(file, before, as_json=as_json)


def move_clock(file: Path, moment: datetime) -> None:
    """Move the clock of *file* to *moment*. Raises CliError where the file cannot be written."""
    try:
        clock.move_clock(file, moment)
    except OSError as error:
        raise _unwritable_error(file, error) from error


def describe_clock(ahead: timedelta) -> str:
    """Return the time of a clock that is *ahead* of the machine's, as a sentence."""
    now = datetime.now(UTC) + ahead
    there = f"{now.astimezone(BUSINESS_ZONE):%A, %d %B %Y, %H:%M:%S} in Los Angeles ({now:%H:%M:%S} UTC)"
    return f"{there}, {_describe_offset(ahead)}."


def _describe_offset(ahead: timedelta) -> str:
    minutes = round(abs(ahead) / timedelta(minutes=1))
    days, rest = divmod(minutes, 24 * 60)
    parts = ((days, "days"), (rest // 60, "hours"), (rest % 60, "minutes"))
    written = ", ".join(f"{count} {unit if count > 1 else unit[:-1]}" for count, unit in parts if count)
    if not written:
        return "the machine's time"
    return f"{written} {'ahead of' if ahead > timedelta() else 'behind'} the machine's time"


def _require_clock_file() -> Path:
    """Return the file of the clock. Raises UsageError where services use the machine's time alone."""
    file = CliSettings().clock_file
    if file is None:
        raise UsageError(
            "CLOCK_FILE is not set: services here use the machine's time.",
            "For a test or a demonstration, never in production: set it to one file for every service and the command line, "
            "and start them again. `./dev up` and docker-compose.yml do so.",
        )
    return file


def _read_offset(file: Path) -> timedelta:
    """Return how far the clock is ahead of the machine's time. Raises CliError where its file cannot be understood."""
    try:
        return clock.clock_offset(file)
    except clock.ClockFileError as error:
        problem = str(error)
        raise CliError(
            f"{problem[:1].upper()}{problem[1:]}. Services use the machine's time.",
            "Correct it with `equity clock set` or `equity clock reset`.",
        ) from error


def _read_offset_or_zero(file: Path) -> timedelta:
    """Return how far the clock is ahead; zero where its file cannot be understood."""
    with suppress(clock.ClockFileError):
        return clock.clock_offset(file)
    return timedelta()


def _report_clock(file: Path, before: timedelta, *, as_json: bool) -> None:
    ahead = _read_offset(file)
    if as_json:
        _print_clock_json(file, ahead)
        return
    new_console().print(f"The clock shows {describe_clock(ahead)}")
    if ahead < before - timedelta(minutes=1):
        print_message(
            "It went back: what waits for a time of the clock waits for it again. A job that ran on a date runs no more on it."
        )


def _print_clock_json(file: Path | None, ahead: timedelta) -> None:
    now = datetime.now(UTC) + ahead
    print_json(
        {"now": now, "local": now.astimezone(BUSINESS_ZONE).isoformat(), "ahead_s": round(ahead.total_seconds(), 3),
         "file": str(file) if file else None}
    )  # fmt: skip


def _unwritable_error(file: Path, error: OSError) -> CliError:
    return CliError(f"The clock file {file} cannot be written: {error.strerror}.", "Correct CLOCK_FILE or its rights.")
