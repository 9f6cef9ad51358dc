"""`equity status`: the screen at 80 and 120 columns, and which facts need a person."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import TopicPartition
from rich.cells import cell_len
from rich.console import Console

from cli.diagnostics import Matter, StatusSection
from cli.shell.errors import CliError, UnreachableError
from cli.status.consumer_lag import count_unhandled
from cli.status.legal_section import describe_due_rules
from cli.status.outbox import OutboxBacklog
from cli.status.owner_sections import describe_migrations, describe_vendors
from cli.status.queries import UnavailableVendor
from cli.status.report import StatusReport
from cli.status.screen import list_fields, render_report
from cli.status.service_states import ServiceFacts, describe_services, find_silent_services
from common.compliance.legal_rules import RULE_CHECK_INTERVAL_DAYS, legal_rules
from common.jobs.queries import JobState
from schema.migrate import MigrationState

NOW = datetime(2026, 11, 23, 13, 29, tzinfo=UTC)
LONG = "a broker with a very long name, as a company writes it in its letters, Incorporated"
DAILY = JobState(
    "feeder.feed", NOW.time(), [1], 360, None, NOW, None, None, None, None, None, None, None, None, None, 0
)


def repeated_job(name: str, silent_seconds: float) -> JobState:
    return replace(DAILY, job=name, local_time=None, weekdays=None, every_seconds=5, silent_seconds=silent_seconds)


JOBS = [repeated_job("feeder.reconcile", 4_000), repeated_job("feeder.end_stalled_sessions", 9),
        repeated_job("ingest.end_stalled_sessions", 7_200), DAILY]  # fmt: skip
RECENTLY = datetime.now(UTC) + timedelta(days=1)
"""A time that is still recent when the last test of a slow run starts."""
VENDOR = UnavailableVendor("melissa", True, 5, "http_401", None, None, False)


def printed(report: StatusReport, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(render_report(report, width))
    return out.getvalue()


def full_report() -> StatusReport:
    facts = ServiceFacts(JOBS, {"ingest": 1_234}, {"ingest": OutboxBacklog(7, 4_000)}, {"feeder": ["kafka: no answer"]})
    return StatusReport(
        NOW,
        [
            describe_services(("feeder", "ingest", "pull"), facts, NOW),
            StatusSection("last feed", [{"broker": LONG, "fed": 250}], {"broker": "broker", "fed": "fed"}, "none"),
            describe_vendors([VENDOR]),
            describe_migrations([MigrationState("0001.roles", True)]),
        ],
        [UnreachableError("Kafka at 127.0.0.1:9092 does not answer.", "Start it.")],
    )


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_fits_its_width_and_shows_every_section(width: int) -> None:
    text = printed(full_report(), width)
    assert all(cell_len(line.rstrip()) <= width for line in text.splitlines())
    for words in ("Monday, 23 November 2026, 05:29", "Kafka at 127.0.0.1:9092 does not answer", "ingest   silent", "1,234",
                  "kafka: no answer", "250", "melissa", "all 1 applied"):  # fmt: skip
        assert words in text


def test_facts_that_need_a_person_come_before_the_sections() -> None:
    text = printed(full_report(), 120)
    assert text.index("! ingest has had no heartbeat for 2 h") < text.index("\nservices")
    assert "`equity run ingest`" in text


def test_a_report_without_matters_says_that_all_is_well() -> None:
    report = StatusReport(NOW, [StatusSection("uploads", [], {}, "none yet")])
    assert (report.exit_code, "All is well." in printed(report, 80)) == (0, True)
    assert "uploads       none yet" in printed(report, 80)


@pytest.mark.parametrize(
    ("sections", "failures", "code"),
    [
        ([StatusSection("x", [], {}, "", [Matter("late", "run it")])], [], 1),
        ([], [CliError("A table is missing.")], 1),
        ([StatusSection("x", [], {}, "", [Matter("late", "run it")])], [UnreachableError("Kafka is away.")], 4),
    ],
)
def test_the_exit_code_says_how_things_are(sections: list[StatusSection], failures: list[CliError], code: int) -> None:
    assert StatusReport(NOW, sections, failures).exit_code == code


def test_programs_get_every_fact() -> None:
    fields = list_fields(full_report())
    assert fields["exit_code"] == 4
    assert fields["missing"] == [{"problem": "Kafka at 127.0.0.1:9092 does not answer.", "advice": "Start it."}]
    assert [row["state"] for row in fields["services"]] == ["running", "silent", "never started"]
    assert fields["last_feed"] == [{"broker": LONG, "fed": 250}]


def test_a_service_is_silent_when_all_its_repeated_jobs_are() -> None:
    assert find_silent_services(("feeder", "ingest", "pull"), JOBS, NOW) == {"ingest"}


def test_without_the_database_readiness_on_this_machine_tells_the_state() -> None:
    section = describe_services(("feeder", "ingest"), ServiceFacts(None, None, None, {"feeder": []}), NOW)
    assert [(row["state"], row["lag"]) for row in section.rows] == [("running", None), ("unknown", None)]  # type: ignore[index]


def test_no_service_that_ever_ran_needs_a_person_once() -> None:
    section = describe_services(("feeder", "ingest"), ServiceFacts([], {}, {}, {}), NOW)
    assert [matter.text for matter in section.matters] == ["no service has ever run on this database"]


@pytest.mark.parametrize(
    ("vendor", "state", "needs_a_person"),
    [
        (VENDOR, "denies access", True),
        (replace(VENDOR, access_denied=False, backoff_until=NOW, is_backing_off=True), "is down", True),
        (replace(VENDOR, access_denied=False, last_success_at=RECENTLY), "is down", False),
        (replace(VENDOR, access_denied=False, failures=1), "backs off", False),
    ],
)  # fmt: skip
def test_a_vendor_needs_a_person_if_it_denies_access_or_is_down_for_long(
    vendor: UnavailableVendor, state: str, needs_a_person: bool
) -> None:
    section = describe_vendors([vendor])
    assert [row["state"] for row in section.rows] == [state]  # type: ignore[index]
    assert bool(section.matters) == needs_a_person


def test_lag_counts_from_the_beginning_where_nothing_is_committed() -> None:
    first, second, third = (TopicPartition("t", number) for number in range(3))
    begins, ends = {first: 10, second: 5, third: 0}, {first: 30, second: 8, third: 4}
    assert count_unhandled({first: 25, third: 4}, begins, ends) == 5 + 3
    assert count_unhandled({first: 3}, {first: 10}, {first: 30}) == 20


def test_legal_rules_that_are_due_need_a_person() -> None:
    oldest = min(rule.checked_on for rule in legal_rules().rules)
    assert not describe_due_rules(oldest).rows
    section = describe_due_rules(oldest + timedelta(days=RULE_CHECK_INTERVAL_DAYS + 1))
    assert [matter.text for matter in section.matters] == [f"legal rules to check: {len(section.rows)}"]
