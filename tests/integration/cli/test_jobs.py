"""`equity jobs`: late jobs in words, runs on demand that are refused, and the history of runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from common.calendar.business_date import business_date
from common.jobs.schedule import JobSchedule
from support.commandline import Equity
from support.databases import Database

NOW = datetime.now(UTC)
DAY = JobSchedule(datetime.min.time()).last_due_date(NOW)


@pytest.fixture
def declared(database: Database) -> Database:
    """Jobs in every state; daily ones were due at midnight, and can be caught up for a day."""
    execute(
        database,
        """insert into pipeline.jobs (job, local_time, weekdays, window_minutes, every_seconds, known_since) values
        ('feeder.feed', '00:00', '{1,2,3,4,5,6,7}', 1440, null, now() - interval '9 days'),
        ('feeder.refresh', '00:00', '{1,2,3,4,5,6,7}', 1440, null, now() - interval '9 days'),
        ('recorder.clean_up', '00:00', '{1,2,3,4,5,6,7}', 0, null, now() - interval '9 days'),
        ('feeder.audit_members', null, null, null, 3600, now() - interval '9 days'),
        ('feeder.reconcile', null, null, null, 5, now() - interval '9 days')""",
    )
    run(database, "feeder.feed", "failed", failures=3, detail="sqlstate_57014")
    run(database, "feeder.refresh", "ok", failures=0)
    run(database, "recorder.clean_up", "ok", failures=0, day=-3)
    run(database, "feeder.audit_members", "failed", failures=2, detail="GoneError")
    run(database, "feeder.reconcile", "ok", failures=0, minutes=30)
    return database


def execute(database: Database, statement: str, *values: object) -> None:
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute(statement, values)


def run(
    database: Database, job: str, outcome: str, *, failures: int, detail: str = "", day: int = 0, minutes: int = 0
) -> None:
    execute(
        database,
        """insert into pipeline.job_runs (job, local_date, host, outcome, failures, detail, finished_at, last_success_at)
        values (%s, %s, 'one', %s, %s, %s, now() - make_interval(mins => %s), case when %s = 'ok' then now() end)""",
        job,
        business_date(NOW) + timedelta(days=day),
        outcome,
        failures,
        detail,
        minutes,
        outcome,
    )


def test_runs_dated_in_the_future_by_a_moved_clock_hide_no_heartbeat(equity: Equity, declared: Database) -> None:
    execute(declared, "delete from pipeline.job_runs where job = 'feeder.reconcile'")
    run(declared, "feeder.reconcile", "failed", failures=1, day=2, minutes=30)
    run(declared, "feeder.reconcile", "ok", failures=0)
    assert listed(equity)["feeder.reconcile"]["status"] == "succeeded"


def listed(equity: Equity, *options: str) -> dict[str, Any]:
    return {row["job"]: row for row in equity("jobs", "list", "--json", *options).ok().json}


def test_late_jobs_are_described_in_words(equity: Equity, declared: Database) -> None:
    rows = listed(equity)
    assert {job: row["status"] for job, row in rows.items()} == {
        "feeder.feed": "failed",
        "feeder.refresh": "succeeded",
        "recorder.clean_up": "missed",
        "feeder.audit_members": "failed",
        "feeder.reconcile": "overdue",
    }
    assert rows["feeder.feed"]["note"].startswith("failed 3 times (sqlstate_57014), is tried until ")
    assert rows["feeder.feed"]["note"].endswith("; never succeeded")
    assert rows["recorder.clean_up"]["note"].startswith(f"missed on {DAY}; succeeded last ")
    assert rows["feeder.audit_members"]["note"].startswith("failed (GoneError), is tried again")
    assert rows["feeder.reconcile"]["note"].startswith("overdue: no heartbeat for 0:3")
    assert rows["feeder.refresh"]["note"] == ""
    assert rows["feeder.refresh"]["next_due_at"] is not None
    assert set(listed(equity, "--late")) == set(rows) - {"feeder.refresh"}
    assert "missed on" in equity("jobs", "list").ok().out


def test_history_is_filtered(equity: Equity, declared: Database) -> None:
    def seen(*options: object) -> list[str]:
        return [row["job"] for row in equity("jobs", "history", "--json", *options).ok().json]

    assert len(seen()) == 5
    assert sorted(seen("feeder")) == ["feeder.audit_members", "feeder.feed", "feeder.reconcile", "feeder.refresh"]
    assert seen("feeder.feed") == ["feeder.feed"]
    assert sorted(seen("--failed")) == ["feeder.audit_members", "feeder.feed"]
    assert "recorder.clean_up" not in seen("--since", business_date(NOW))
    assert "No such run" in equity("jobs", "history", "unknown").ok().out


def test_a_job_that_runs_is_not_run_beside_itself(equity: Equity, database: Database) -> None:
    execute(
        database,
        "insert into pipeline.job_runs (job, local_date, host) select 'feeder.refresh', day, 'one' from "
        "unnest(%s::date[]) as day",
        [business_date(NOW), business_date(NOW) - timedelta(days=1)],
    )
    refused = equity("jobs", "run", "feeder.refresh")
    assert (refused.code, "feeder.refresh runs already, on one, since" in refused.err) == (3, True)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ("nothing", "There is no job 'nothing'"),
        ("feeder.nothing", "feeder has feeder.clean_up, feeder.end_stalled_sessions, feeder.feed"),
        ("feeder.reconcile", "a setting that is missing"),
    ],
)
def test_a_job_that_cannot_be_run_is_refused_with_a_reason(
    equity: Equity, database: Database, job: str, reason: str
) -> None:
    refused = equity("jobs", "run", job)
    assert (refused.code, reason in " ".join(refused.err.split())) == (2, True), refused.err


def test_a_job_of_a_running_gateway_can_be_run_beside_it(equity: Equity, database: Database, tmp_path: Any) -> None:
    """It needs neither the gateway's port nor Kafka."""
    more = {"SPOOL_DIRECTORY": str(tmp_path), "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    assert equity("jobs", "run", "gateway.clean_up", "--json", **more).ok().json["outcome"] == "ok"
    equity("jobs", "run", "gateway.complete_uploads", **more).ok()
    rows = equity("jobs", "history", "gateway", "--json").ok().json
    assert {(row["job"], row["outcome"], row["runs"]) for row in rows} == {
        ("gateway.clean_up", "ok", 1),
        ("gateway.complete_uploads", "ok", 1),
    }
