"""Jobs of services: daily ones, and those that repeat after some seconds."""

import asyncio
from datetime import date
from time import monotonic
from typing import Annotated

import typer

from cli import registry
from cli.commands import job_queries as queries
from cli.job_descriptions import LATE_STATUSES, describe_job, format_local
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import run_in_transaction
from cli.shell.durations import parse_seconds
from cli.shell.errors import CliError, CommandRefusedError, UsageError
from cli.shell.faults import explain_error
from cli.shell.output import AsJson, print_done, print_rows, to_fields
from cli.shell.service_settings import log_to_stderr, set_service_login
from cli.shell.settings import CliSettings
from common import telemetry
from common.bus.failures import error_code
from common.jobs.queries import list_job_states
from common.jobs.scheduler import JobRunningError, UnknownJobError
from common.service import Service

app = new_app(
    "Jobs: what services do at a time of day, or every so often. Times are those of Los Angeles.",
    panel="Running it",
    summary="What runs at a time of day: list, run now, and how it ended.",
    order=20,
)

_POLL_SECONDS = 0.5
_COLUMNS = {"job": "job", "when": "when", "next": "next due", "last": "last run", "outcome": "outcome",
            "note": "state"}  # fmt: skip
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
    states = run_in_transaction(lambda connection: list_job_states(connection, service=None))
    rows = [describe_job(state, now) for state in states]
    if late:
        rows = [row for row in rows if row["status"] in LATE_STATUSES]
    print_rows(rows, _COLUMNS, as_json=as_json, empty="Nothing is late." if late else _NO_JOBS)


_NO_JOBS = "No service has declared a job yet: start one."


@app.command("history")
def list_runs(
    job: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB]",
            parser=inputs.parse_name_or_id,
            help="Such as feeder.feed, or feeder for all of it; default: all.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of runs, the latest first.")] = 30,
    since: Annotated[
        date | None, typer.Option(metavar="DATE", parser=inputs.parse_day, help="From this day on, as 2027-03-01.")
    ] = None,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only days on which it failed, or never ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what jobs did, a line for each and day, the latest first. Of repeated jobs it is the sum of the day."""
    day = since or date.min
    runs = run_in_transaction(
        lambda connection: queries.list_job_runs(connection, job=job, since=day, only_failed=failed, page_size=limit)
    )
    described = [
        to_fields(run) | {"began": format_local(run.started_at), "ended": format_local(run.finished_at)} for run in runs
    ]
    print_rows(
        described, _RUNS, as_json=as_json, empty="No such run." if job or since or failed else "No job has run yet."
    )


@app.command("run")
def run_job(
    job: Annotated[str, typer.Argument(metavar="JOB", parser=inputs.parse_name_or_id, help="Such as feeder.feed.")],
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", parser=parse_seconds, help="Seconds to wait for a run that goes on already."
        ),
    ] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Run a job now, in this process, due or not. Every job may be run twice: the feed fills no limit beyond itself.

    It counts as the run of the day for which the job was due last. The feed keeps to brokers' calendars all the same: on a
    holiday it feeds no lead.
    """
    service = job.partition(".")[0]
    if service not in registry.service_names():
        raise UsageError(f"There is no job {job!r}.", "`equity jobs list` shows them.")
    log_to_stderr()
    set_service_login(service)
    built = registry.load_service_builder(service)()
    telemetry.configure_telemetry(built.settings, "jobs")  # the log goes to stderr, and metrics of the run are sent
    try:
        asyncio.run(_run_in_service(built, job, wait))
    finally:
        telemetry.shut_down_telemetry()
    print_done(f"{job} succeeded.", {"job": job, "outcome": "ok"}, as_json=as_json)


async def _run_in_service(service: Service, job: str, wait: float) -> None:
    await service.database.start()
    try:
        for part in service.job_parts:
            await part.start()
        await _run_when_free(service, job, wait)
    except UnknownJobError as error:
        raise UsageError(
            f"There is no job {job!r}.",
            f"{service.name} has {', '.join(error.known)}; a setting that is missing here may take one away.",
        ) from error
    except JobRunningError as error:
        raise CommandRefusedError(
            f"{error}.", "Wait until it ends (`equity jobs list`). If its process died, it is free in a minute."
        ) from error
    except Exception as error:
        if known := explain_error(error):
            raise known from error
        raise CliError(
            f"{job} failed: {error_code(error)}.", f"`equity jobs history {job}` keeps how it ended; the log says more."
        ) from error
    finally:
        for part in reversed(service.job_parts):
            await part.stop()
        await service.database.stop()


async def _run_when_free(service: Service, job: str, wait: float) -> None:
    """Run *job*, after another run of it that ends within *wait* seconds. Raises JobRunningError where it does not end."""
    give_up = monotonic() + wait
    while True:
        try:
            return await service.jobs.run_job(job)
        except JobRunningError:
            if monotonic() >= give_up:
                raise
            await asyncio.sleep(_POLL_SECONDS)
