"""`equity clock` shows and moves the services' clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.calendar.clock import Clock, clock_from_file
from support.commandline import Equity


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clock"


@pytest.fixture
def equity(file: Path) -> Equity:
    return Equity({"CLOCK_FILE": str(file)})


@pytest.fixture
def clock(file: Path) -> Clock:
    return clock_from_file(file)


def near(one: datetime, other: datetime) -> bool:
    return abs(one - other) < timedelta(seconds=30)


def next_year() -> int:
    return datetime.now(UTC).year + 1


def test_the_clock_is_set_in_the_time_of_los_angeles_shown_and_reset(equity: Equity, clock: Clock) -> None:
    ran = equity("clock", "set", f"{next_year()}-07-01 05:29").ok()
    assert "05:29:0" in ran.out
    assert "in Los Angeles (12:29:0" in ran.out
    assert "ahead of the machine's time" in ran.out
    assert near(clock(), datetime(next_year(), 7, 1, 12, 29, tzinfo=UTC))
    assert "July" in equity("clock", "show").ok().out
    back = equity("clock", "reset").ok()
    assert "the machine's time" in back.out
    assert "went back" in back.err
    assert near(clock(), datetime.now(UTC))


def test_a_zone_may_be_named_and_programs_get_json(equity: Equity, file: Path) -> None:
    shown = equity("clock", "set", f"{next_year()}-11-23T13:29Z", "--json").ok().json
    assert shown["local"].startswith(f"{next_year()}-11-23T05:29:0")
    assert shown["file"] == str(file)
    assert equity("clock", "show", "--json").ok().json["ahead_s"] == pytest.approx(shown["ahead_s"], abs=0.01)


@pytest.mark.parametrize("moment", ["soon", "2026-02-30 05:00", "2001-01-01 05:00", "9999-12-31 23:00"])
def test_text_that_is_no_moment_or_too_far_away_is_refused(equity: Equity, file: Path, moment: str) -> None:
    ran = equity("clock", "set", moment)
    assert ran.code == 2
    assert moment in ran.err
    assert not file.exists()


def test_without_a_clock_file_the_command_gives_advice() -> None:
    equity = Equity({})
    for command in (("set", "2026-11-23 05:29"), ("reset",)):
        ran = equity("clock", *command)
        assert ran.code == 2
        assert "CLOCK_FILE is not set" in ran.err
        assert "never in production" in ran.err
    assert "the machine's time" in equity("clock", "show").ok().out


def test_a_corrupt_clock_file_is_reported_and_repaired(equity: Equity, file: Path, clock: Clock) -> None:
    file.write_text("soon")
    ran = equity("clock", "show")
    assert ran.code == 1
    assert "holds no point in time" in ran.err
    assert "equity clock reset" in ran.err
    equity("clock", "set", f"{next_year()}-07-01 05:29").ok()
    assert near(clock(), datetime(next_year(), 7, 1, 12, 29, tzinfo=UTC))


def test_an_unwritable_clock_file_is_reported(tmp_path: Path) -> None:
    ran = Equity({"CLOCK_FILE": str(tmp_path / "nowhere" / "clock")})("clock", "set", f"{next_year()}-07-01 05:29")
    assert ran.code == 1
    assert "cannot be written" in ran.err
