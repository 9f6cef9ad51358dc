"""Failures are sorted by kind, and say nothing about the person they concern."""

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from pydantic import ValidationError

from common.bus.failures import BadRecordError, Kind, Outcomes, classify, detail_of
from common.events import LeadRecord


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("08006", Kind.OURS_DOWN), ("53300", Kind.OURS_DOWN), ("57P01", Kind.OURS_DOWN), ("25006", Kind.OURS_DOWN),
        ("55P03", Kind.OURS_DOWN), ("40001", Kind.REPEAT), ("40P01", Kind.REPEAT), ("22P05", Kind.BAD_RECORD),
        ("22021", Kind.BAD_RECORD), ("23505", Kind.BAD_RECORD), ("42501", Kind.OUR_MISTAKE), ("42703", Kind.OUR_MISTAKE),
        ("EC001", Kind.BAD_RECORD), ("XX000", Kind.UNEXPECTED),
    ],
)  # fmt: skip
def test_a_database_error_is_sorted_by_its_sqlstate(state: str, kind: Kind) -> None:
    error = asyncpg.PostgresError("x")
    setattr(error, "sqlstate", state)  # noqa: B010 - asyncpg sets it so too
    assert classify(error) is kind


def test_other_errors_are_sorted_by_their_type() -> None:
    assert classify(KafkaConnectionError()) is Kind.OURS_DOWN
    assert classify(ConnectionRefusedError()) is Kind.OURS_DOWN
    assert classify(TimeoutError()) is Kind.OURS_DOWN
    assert classify(BadRecordError("missing_zip")) is Kind.BAD_RECORD
    assert classify(KeyError("x")) is Kind.UNEXPECTED


def test_what_a_model_refuses_is_told_without_the_input() -> None:
    with pytest.raises(ValidationError) as caught:
        LeadRecord.model_validate_json(b'{"emails": {"marjorie@example.com": 1}, "row": "marjorie@example.com"}')
    assert "marjorie" not in detail_of(caught.value)
    assert "emails" in detail_of(caught.value)
    assert "marjorie" not in str(caught.value)


def test_a_few_failures_among_successes_are_the_records_fault() -> None:
    outcomes = Outcomes()
    outcomes.succeeded(100)
    for _ in range(20):
        outcomes.failed()
    assert not outcomes.nearly_all_fail


def test_failures_alone_are_ours_once_there_are_ten() -> None:
    outcomes = Outcomes()
    for _ in range(9):
        outcomes.failed()
    assert not outcomes.nearly_all_fail
    outcomes.failed()
    assert outcomes.nearly_all_fail
