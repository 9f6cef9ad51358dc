"""`equity doctor`: findings at 80 and 120 columns, and the rules of its checks."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from cli.diagnostics import Finding, Severity
from cli.doctor.command import render_findings, summarize_findings
from cli.doctor.database_checks import compare_privileges, describe_offset
from cli.doctor.kafka_checks import describe_topics
from cli.doctor.legal_checks import check_due_rules
from cli.doctor.setting_checks import check_secret_files, find_unknown_variables, list_variables
from common.compliance.legal_rules import RULE_CHECK_INTERVAL_DAYS, legal_rules
from common.settings import Settings
from common.topics import TopicState

FINDINGS = [
    Finding.ok("PostgreSQL", "127.0.0.1:5432/equity answers, as postgres"),
    Finding.warning("settings", "GATWAY_PORT is no setting", "Did you mean GATEWAY_PORT?"),
    Finding.problem("grants", "missing: " + "; ".join(["svc_ingest app.lead_contacts SELECT"] * 5), "Grant them again."),
]  # fmt: skip


@pytest.mark.parametrize("width", [80, 120])
def test_findings_fit_the_width_with_what_to_do_below(width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(render_findings(FINDINGS))
    lines = out.getvalue().splitlines()
    assert all(cell_len(line.rstrip()) <= width for line in lines)
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["ok", "warning", "problem"]
    assert any("→ Did you mean GATEWAY_PORT?" in line for line in lines)


def test_the_summary_counts_what_deserves_a_look() -> None:
    assert summarize_findings(FINDINGS) == "Problems: 1, warnings: 1, of 3 checks."
    assert summarize_findings(FINDINGS[:1]) == "No problem: 1 checks."


@pytest.mark.parametrize(
    ("offset", "severity", "words"),
    [(0, Severity.OK, "agree"), (29, Severity.OK, "agree"), (31, Severity.PROBLEM, "31 s ahead of the database"),
     (-400, Severity.PROBLEM, "400 s behind the database")],
)  # fmt: skip
def test_a_clock_that_is_off_is_a_problem(offset: float, severity: Severity, words: str) -> None:
    finding = describe_offset(offset)
    assert (finding.severity, words in finding.text) == (severity, True)


def test_privileges_are_compared_both_ways() -> None:
    expected, actual = [f"svc_a | app.t{number} | SELECT" for number in range(7)], ["svc_a | app.x | DELETE"]
    missing, further = compare_privileges(expected, actual)
    assert (missing.severity, missing.text.endswith("svc_a app.t4 SELECT; and 2 more")) == (Severity.PROBLEM, True)
    assert (further.severity, further.text) == (Severity.WARNING, "more than a service needs: svc_a app.x DELETE")
    assert [finding.severity for finding in compare_privileges(actual, actual)] == [Severity.OK]


def test_missing_topics_are_one_problem_and_each_that_differs_is_a_warning() -> None:
    states = [TopicState(f"t{number}", "missing") for number in range(4)]
    findings = describe_topics(
        [*states, TopicState("u", "differs", ("partitions: 1 instead of 3",)), TopicState("v", "ok")]
    )
    assert [(finding.severity, finding.text) for finding in findings] == [
        (Severity.PROBLEM, "4 of 6 are missing: t0, t1, t2, …"),
        (Severity.WARNING, "u: partitions: 1 instead of 3"),
    ]


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        ("KAFKA_BOOTSTRAP_SERVER", True),
        ("GATEWAY_COLOUR", True),
        ("ENCRYPTION_KEY", False),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", False),
        ("GATEWAY_DATABASE_URL", False),
        ("KAFKA_HEAP_OPTS", False),
        ("PATH", False),
        ("SANDBOX_LOG_LEVEL", False),
    ],
)
def test_only_variables_that_look_like_settings_are_warned_about(name: str, warned: bool) -> None:
    assert bool(list(find_unknown_variables([name], set(list_variables(Settings)), ["gateway"]))) == warned


@pytest.mark.parametrize(
    ("mode", "severity"), [(0o600, Severity.OK), (0o640, Severity.PROBLEM), (0o604, Severity.PROBLEM)]
)
def test_a_file_with_secrets_is_readable_by_its_owner_only(mode: int, severity: Severity, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.touch()
    file.chmod(mode)
    assert [finding.severity for finding in check_secret_files([file, tmp_path / "missing"])] == [severity]


def test_legal_rules_that_are_due_are_a_warning_with_the_command_that_lists_them() -> None:
    oldest = min(rule.checked_on for rule in legal_rules().rules)
    assert check_due_rules(oldest).severity is Severity.OK
    finding = check_due_rules(oldest + timedelta(days=RULE_CHECK_INTERVAL_DAYS + 1))
    assert (finding.severity, "`equity legal due`" in finding.advice) == (Severity.WARNING, True)
