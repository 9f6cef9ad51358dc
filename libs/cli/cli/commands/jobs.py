"""Jobs: what runs at a time of day, or every so often."""

import asyncio
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Annotated, Any

import typer

from cli import inputs
from cli.database import queries, select
from cli.durations import seconds
from cli.errors import CliError, RefusedError, UsageError
from cli.faults import explain
from cli.lazy import new_app
from cli.output import AsJson, done, show_rows
from cli.services import SERVICES, administered, module
from cli.settings import CliSettings
from common import telemetry
from common.bus.failures import code_of
from common.business_time import BUSINESS_ZONE
from common.jobs import JobRunsError, NoSuchJobError
from common.schedules import Schedule, Standing, schedule_of, standing
from common.service import Service

app = new_app("Jobs: what services do at a time of day, or every so often. Times are those of Los Angeles.")

_PAUSE_SECONDS = 0.5
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_COLUMNS = {"job": "job", "when": "when", "next": "next due", "last": "last run", "outcome": "outcome",
            "note": "how it stands"}  # fmt: skip
_RUNS = {"job": "job", "local_date": "day", "outcome": "outcome", "runs": "runs", "failures": "failed", "detail": "why",
         "host": "by", "began": "began", "ended": "ended"}  # fmt: skip


@app.command("list")
def list_jobs(
    *,
    late: Annotated[bool, typer.Option("--late", help="Only those that failed, are overdue, or were missed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the jobs that services have declared: when each is due next, how it ended last, and what is late."""
    now = CliSettings().now
    rows = [_told(row, now) for row in select(queries.list_jobs)]
    if late:
        rows = [row for row in rows if row["standing"] in ("failed", "overdue", "missed")]
    show_rows(rows, _COLUMNS, as_json=as_json, empty="Nothing is late." if late else _NONE)


_NONE = "No service has declared a job yet: start one."


@app.command()
def history(
    job: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB]", parser=inputs.named, help="Such as feeder.feed, or feeder for all of it; default: all."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The latest so many.")] = 30,
    since: Annotated[
        date | None, typer.Option(metavar="DATE", parser=inputs.day, help="From this day on, as 2027-03-01.")
    ] = None,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only days on which it failed, or never ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what jobs did, a line for each and day, the latest first. Of repeated jobs it is the sum of the day."""
    day = since or date.min
    rows = select(queries.job_history, job=job, since=day, failed=failed, limit=limit)
    told = [row | {"began": _local(row["started_at"]), "ended": _local(row["finished_at"])} for row in rows]
    show_rows(told, _RUNS, as_json=as_json, empty="No such run." if job or since or failed else "No job has run yet.")


@app.command()
def run(
    job: Annotated[str, typer.Argument(metavar="JOB", parser=inputs.named, help="Such as feeder.feed.")],
    wait: Annotated[
        float,
        typer.Option("--wait", metavar="SECONDS", parser=seconds, help="Wait so long for a run that goes on already."),
    ] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Run a job now, in this process, due or not. Every job may be run twice: the feed fills no limit beyond itself.

    It counts as the run of the day for which the job was due last. The feed keeps to brokers' calendars all the same: on a
    holiday it feeds nobody.
    """
    service = job.partition(".")[0]
    if service not in SERVICES:
        raise UsageError(f"There is no job {job!r}.", "`equity jobs list` shows them.")
    settings = administered(service)
    telemetry.configure(settings, "jobs")  # logs go to stderr, and the run is seen where metrics are sent
    try:
        asyncio.run(_run(module(service, "app").build(settings), job, wait))
    finally:
        telemetry.shutdown()
    done(f"{job} went well.", {"job": job, "outcome": "ok"}, as_json=as_json)


async def _run(service: Service, job: str, wait: float) -> None:
    await service.database.start()
    try:
        for part in service.tools:
            await part.start()
        await _run_when_free(service, job, wait)
    except NoSuchJobError as error:
        raise UsageError(
            f"There is no job {job!r}.",
            f"{service.name} has {', '.join(error.known)}; a setting that is missing here may take one away.",
        ) from error
    except JobRunsError as error:
        raise RefusedError(
            f"{error}.", "Wait until it ends (`equity jobs list`). If its process died, it is free in a minute."
        ) from error
    except Exception as error:
        if known := explain(error):
            raise known from error
        raise CliError(
            f"{job} failed: {code_of(error)}.", f"`equity jobs history {job}` keeps how it ended; the log says more."
        ) from error
    finally:
        for part in reversed(service.tools):
            await part.stop()
        await service.database.stop()


async def _run_when_free(service: Service, job: str, wait: float) -> None:
    """Run *job*, after another run of it that ends within *wait* seconds. Raises JobRunsError where it does not end."""
    give_up = monotonic() + wait
    while True:
        try:
            return await service.jobs.run_now(job)
        except JobRunsError:
            if monotonic() >= give_up:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


def _told(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A row of `pipeline.job_states` in words."""
    schedule = schedule_of(row)
    stands = standing(row, now)
    due = schedule.next(now) if schedule else None
    return row | {
        "when": _when(row),
        "next_due_at": due,
        "next": _local(due),
        "last": _local(row["finished_at"] or row["started_at"]),
        "standing": str(stands),
        "note": _note(row, stands, now),
    }


def _note(row: dict[str, Any], stands: Standing, now: datetime) -> str:
    """How a job stands, in words: what is late, since when, and what happens next."""
    schedule = schedule_of(row)
    match stands:
        case Standing.WELL:
            return ""
        case Standing.WAITING:
            return "not due yet"
        case Standing.RUNNING:
            return f"running on {row['host']} since {_local(row['started_at'])}"
    why = f" ({row['detail']})" if row["detail"] else ""
    problem = _problem_of_repeated(row, stands, why) if schedule is None else _problem_of_daily(row, schedule, now, why)
    good = f"went well last {_local(row['last_success_at'])}" if row["last_success_at"] else "never went well"
    return f"{problem}; {good}"


def _problem_of_repeated(row: dict[str, Any], stands: Standing, why: str) -> str:
    if stands is Standing.FAILED:
        return f"failed{why}, is tried again"
    return f"overdue: no sign of it for {timedelta(seconds=round(row['silent_seconds']))}; is the service up?"


def _problem_of_daily(row: dict[str, Any], schedule: Schedule, now: datetime, why: str) -> str:
    day = schedule.last(now)
    if day is None or now >= schedule.ends(day):
        return f"missed on {day}{why}"
    until = f"is tried until {_local(schedule.ends(day))}"
    if row["local_date"] == day and row["failures"]:
        return f"failed {row['failures']} times{why}, {until}"
    return f"overdue since {_local(schedule.starts(day))}, {until}"


def _local(at: datetime | None) -> str:
    return f"{at.astimezone(BUSINESS_ZONE):%Y-%m-%d %H:%M}" if at else ""


def _when(row: dict[str, Any]) -> str:
    if row["local_time"] is None:
        return f"every {row['every_seconds']:g} s"
    days = [_DAYS[day - 1] for day in row["weekdays"]]
    named = "daily" if len(days) == len(_DAYS) else f"{days[0]} to {days[-1]}" if days else "never"
    return f"{row['local_time']:%H:%M} {named}, until {row['window_minutes'] / 60:g} h later"
