"""Jobs: what runs at a time of day, or every so often."""

import asyncio
from typing import Annotated, Any

import typer

from cli.database import queries, select
from cli.errors import CliError, UsageError
from cli.lazy import new_app
from cli.output import AsJson, done, show_rows
from cli.services import SERVICES, administered, module
from common.jobs import NoSuchJobError
from common.service import Service

app = new_app("Jobs: what services do at a time of day, or every so often. Times are those of Los Angeles.")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_COLUMNS = {"job": "job", "when": "when", "local_date": "last day", "outcome": "outcome", "finished_at": "ended"}
_RUNS = {"job": "job", "local_date": "day", "outcome": "outcome", "detail": "detail", "host": "host",
         "started_at": "began", "finished_at": "ended"}  # fmt: skip


@app.command("list")
def list_jobs(*, as_json: AsJson = False) -> None:
    """List the jobs that services have declared, and how each daily one ended last."""
    rows = [row | {"when": _when(row)} for row in select(queries.list_jobs)]
    show_rows(rows, _COLUMNS, as_json=as_json, empty="No service has declared a job yet: start one.")


@app.command()
def history(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="Such as feeder.feed; default: all.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The latest so many.")] = 30,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how daily jobs ended, the latest first."""
    rows = select(queries.job_history, job=job, limit=limit)
    show_rows(rows, _RUNS, as_json=as_json, empty="No job has run yet.")


@app.command()
def run(
    job: Annotated[str, typer.Argument(metavar="JOB", help="Such as feeder.feed.")], *, as_json: AsJson = False
) -> None:
    """Run a job now, in this process, due or not. Every job may be run twice: the feed fills no limit beyond itself.

    The feed keeps to brokers' calendars all the same: on a holiday it feeds nobody.
    """
    service = job.partition(".")[0]
    if service not in SERVICES:
        raise UsageError(f"There is no job {job!r}.", "`equity jobs list` shows them.")
    asyncio.run(_run(module(service, "app").build(administered(service)), job))
    done(f"{job} went well.", {"job": job, "outcome": "ok"}, as_json=as_json)


async def _run(service: Service, job: str) -> None:
    await service.database.start()
    try:
        for part in service.parts:
            await part.start()
        await service.jobs.run_now(job)
    except NoSuchJobError as error:
        raise UsageError(f"There is no job {job!r}.", "`equity jobs list` shows them.") from error
    except RuntimeError as error:
        raise CliError(f"{job} failed: {error}.", "`equity jobs history` keeps how it ended.") from error
    finally:
        for part in service.parts:
            await part.stop()
        await service.database.stop()


def _when(row: dict[str, Any]) -> str:
    if row["local_time"] is None:
        return f"every {row['every_seconds']:g} s"
    days = [_DAYS[day - 1] for day in row["weekdays"]]
    named = "daily" if len(days) == len(_DAYS) else f"{days[0]} to {days[-1]}" if days else "never"
    return f"{row['local_time']:%H:%M} {named}, until {row['window_minutes'] / 60:g} h later"
