"""Failures are sorted by kind, and reveal nothing about the person they concern."""

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from pydantic import ValidationError

from common.bus.failures import BadRecordError, Kind, RecentOutcomes, classify, error_detail
from common.events import LeadRecord


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", Kind.OURS_DOWN),
        ("53300", Kind.OURS_DOWN),
        ("57P01", Kind.OURS_DOWN),
        ("25006", Kind.OURS_DOWN),
        ("55P03", Kind.OURS_DOWN),
        ("40001", Kind.REPEAT),
        ("40P01", Kind.REPEAT),
        ("22P05", Kind.BAD_RECORD),
        ("22021", Kind.BAD_RECORD),
        ("23505", Kind.BAD_RECORD),
        ("42501", Kind.OUR_MISTAKE),
        ("42703", Kind.OUR_MISTAKE),
        ("EC001", Kind.BAD_RECORD),
        ("XX000", Kind.UNEXPECTED),
    ],
)
def test_a_database_error_is_sorted_by_its_sqlstate(state: str, kind: Kind) -> None:
    error = asyncpg.PostgresError("x")
    setattr(error, "sqlstate", state)  # noqa: B010 - asyncpg sets it in the same way
    assert classify(error) is kind


def test_other_errors_are_sorted_by_their_type() -> None:
    assert classify(KafkaConnectionError()) is Kind.OURS_DOWN
    assert classify(ConnectionRefusedError()) is Kind.OURS_DOWN
    assert classify(TimeoutError()) is Kind.OURS_DOWN
    assert classify(BadRecordError("missing_zip")) is Kind.BAD_RECORD
    assert classify(KeyError("x")) is Kind.UNEXPECTED


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
