"""Spans and moments as users write them."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from cli.shell.durations import parse_moment, parse_span


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90m", timedelta(minutes=90)), ("24h", timedelta(days=1)), (" 7 D ", timedelta(weeks=1)), ("2w", timedelta(14))],
)
def test_a_span_has_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert parse_span(text) == expected


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1y", "1h30m", "99999999999d"])
def test_text_that_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_span(text)


def test_a_moment_is_a_time_or_a_span_ago() -> None:
    assert parse_moment("2026-03-01T17:05:09Z") == datetime(2026, 3, 1, 17, 5, 9, tzinfo=UTC)
    assert parse_moment("2026-03-01") == datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(typer.BadParameter, match="2026-03-01"):
        parse_moment("yesterday")
    with pytest.raises(typer.BadParameter, match="no moment"):
        parse_moment("999999w")
    assert timedelta(minutes=59) < datetime.now(UTC) - parse_moment("1h") < timedelta(minutes=61)
