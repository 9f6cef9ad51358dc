"""Failures are sorted by kind, and reveal nothing about the person they concern."""

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from pydantic import ValidationError

from common.bus.failures import BadRecordError, FailureKind, RecentOutcomes, classify_error, error_detail
from common.events import LeadRecord


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", FailureKind.INFRASTRUCTURE_UNAVAILABLE),
        ("53300", FailureKind.INFRASTRUCTURE_UNAVAILABLE),
        ("57P01", FailureKind.INFRASTRUCTURE_UNAVAILABLE),
        ("25006", FailureKind.INFRASTRUCTURE_UNAVAILABLE),
        ("55P03", FailureKind.INFRASTRUCTURE_UNAVAILABLE),
        ("40001", FailureKind.TRANSIENT_CONFLICT),
        ("40P01", FailureKind.TRANSIENT_CONFLICT),
        ("22P05", FailureKind.BAD_RECORD),
        ("22021", FailureKind.BAD_RECORD),
        ("23505", FailureKind.BAD_RECORD),
        ("42501", FailureKind.DEPLOYMENT_ERROR),
        ("42703", FailureKind.DEPLOYMENT_ERROR),
        ("EC001", FailureKind.BAD_RECORD),
        ("XX000", FailureKind.UNEXPECTED),
    ],
)
def test_a_database_error_is_sorted_by_its_sqlstate(state: str, kind: FailureKind) -> None:
    error = asyncpg.PostgresError("x")
    setattr(error, "sqlstate", state)  # noqa: B010 - asyncpg sets it in the same way
    assert classify_error(error) is kind


def test_other_errors_are_sorted_by_their_type() -> None:
    assert classify_error(KafkaConnectionError()) is FailureKind.INFRASTRUCTURE_UNAVAILABLE
    assert classify_error(ConnectionRefusedError()) is FailureKind.INFRASTRUCTURE_UNAVAILABLE
    assert classify_error(TimeoutError()) is FailureKind.INFRASTRUCTURE_UNAVAILABLE
    assert classify_error(BadRecordError("missing_zip")) is FailureKind.BAD_RECORD
    assert classify_error(KeyError("x")) is FailureKind.UNEXPECTED


def test_a_validation_error_is_described_without_the_input() -> None:
    with pytest.raises(ValidationError) as caught:
        LeadRecord.model_validate_json(b'{"emails": {"marjorie@example.com": 1}, "row": "marjorie@example.com"}')
    assert "marjorie" not in error_detail(caught.value)
    assert "emails" in error_detail(caught.value)
    assert "marjorie" not in str(caught.value)


def test_a_few_failures_among_successes_are_no_deployment_error() -> None:
    outcomes = RecentOutcomes()
    outcomes.record_successes(100)
    for _ in range(20):
        outcomes.record_failure()
    assert not outcomes.nearly_all_fail


def test_ten_failures_without_success_are_a_deployment_error() -> None:
    outcomes = RecentOutcomes()
    for _ in range(9):
        outcomes.record_failure()
    assert not outcomes.nearly_all_fail
    outcomes.record_failure()
    assert outcomes.nearly_all_fail
