"""The clock that services go by: the machine's, or one that is moved for a test or a demonstration."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import CliError, UsageError
from cli.lazy import new_app
from cli.output import AsJson, console, print_json, say
from cli.settings import CliSettings
from cli.when import point_in_time
from common import clock
from common.business_time import BUSINESS_ZONE

app = new_app("The clock that jobs and feeds go by. It can be moved where CLOCK_FILE is set: never in production.")


@app.command()
def show(*, as_json: AsJson = False) -> None:
    """Show what time it is for the services, and whether the clock was moved."""
    settings = CliSettings()
    ahead = _ahead(settings.clock_file) if settings.clock_file else timedelta()
    if as_json:
        _print(settings.clock_file, ahead)
        return
    console().print(sentence(ahead))
    if settings.clock_file is None:
        say("CLOCK_FILE is not set: it cannot be moved.")


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
    file, now = _movable(), datetime.now(UTC)
    wanted = point_in_time(moment, now + _known(file))
    oldest, latest = now - timedelta(days=CliSettings().inbox_days - 1), now + clock.FARTHEST
    if not oldest < wanted < latest:
        raise UsageError(
            f"{moment!r} is too far from the machine's time: inboxes forget what is older, and later is taken for a mistake.",
            f"Name a moment between {oldest:%Y-%m-%d} and {latest:%Y}, or words such as: next feeding day 05:59.",
        )
    before = _known(file)
    turn(file, wanted)
    _tell(file, before, as_json=as_json)


@app.command()
def reset(*, as_json: AsJson = False) -> None:
    """Let services go by the machine's time again."""
    file = _movable()
    before = _known(file)
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(file, error) from error
    _tell(file, before, as_json=as_json)


def turn(file: Path, moment: datetime) -> None:
    """Move the clock of *file* to *moment*. Raises CliError where the file cannot be written."""
    try:
        clock.move(file, moment)
    except OSError as error:
        raise _unwritable(file, error) from error


def sentence(ahead: timedelta) -> str:
    """What a clock shows that is *ahead* of the machine's."""
    now = datetime.now(UTC) + ahead
    there = f"{now.astimezone(BUSINESS_ZONE):%A, %d %B %Y, %H:%M:%S} in Los Angeles ({now:%H:%M:%S} UTC)"
    return f"{there}, {_distance(ahead)}."


def _distance(ahead: timedelta) -> str:
    minutes = round(abs(ahead) / timedelta(minutes=1))
    days, rest = divmod(minutes, 24 * 60)
    parts = ((days, "days"), (rest // 60, "hours"), (rest % 60, "minutes"))
    told = ", ".join(f"{count} {unit if count > 1 else unit[:-1]}" for count, unit in parts if count)
    if not told:
        return "the machine's time"
    return f"{told} {'ahead of' if ahead > timedelta() else 'behind'} the machine's time"


def _movable() -> Path:
    """The file of the clock. Raises UsageError where services go by the machine's time alone."""
    file = CliSettings().clock_file
    if file is None:
        raise UsageError(
            "CLOCK_FILE is not set: services here go by the machine's time.",
            "For a test or a demonstration, never in production: set it to one file for every service and the command line, "
            "and start them again. `./dev up` and docker-compose.yml do so.",
        )
    return file


def _ahead(file: Path) -> timedelta:
    try:
        return clock.ahead(file)
    except clock.ClockFileError as error:
        problem = str(error)
        raise CliError(
            f"{problem[:1].upper()}{problem[1:]}. Services go by the machine's time.",
            "Correct it with `equity clock set` or `equity clock reset`.",
        ) from error


def _known(file: Path) -> timedelta:
    """How far ahead the clock was; nothing where its file could not be understood."""
    with suppress(clock.ClockFileError):
        return clock.ahead(file)
    return timedelta()


def _tell(file: Path, before: timedelta, *, as_json: bool) -> None:
    ahead = _ahead(file)
    if as_json:
        _print(file, ahead)
        return
    console().print(f"The clock shows {sentence(ahead)}")
    if ahead < before - timedelta(minutes=1):
        say(
            "It went back: what waits for a time of the clock waits for it again. A job that ran on a date runs no more on it."
        )


def _print(file: Path | None, ahead: timedelta) -> None:
    now = datetime.now(UTC) + ahead
    print_json(
        {"now": now, "local": now.astimezone(BUSINESS_ZONE).isoformat(), "ahead_s": round(ahead.total_seconds(), 3),
         "file": str(file) if file else None}
    )  # fmt: skip


def _unwritable(file: Path, error: OSError) -> CliError:
    return CliError(f"The clock file {file} cannot be written: {error.strerror}.", "Correct CLOCK_FILE or its rights.")
