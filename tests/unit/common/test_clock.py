"""The clock that tests and demonstrations move while services run."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from common.clock import Clock, ClockFileError, ahead, clock_of, move, utc_now
from common.settings import Settings

MONDAY = datetime(2026, 11, 16, 13, 59, tzinfo=UTC)


def shows(clock: Clock, moment: datetime) -> bool:
    return timedelta() <= clock() - moment < timedelta(seconds=5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clock"


def test_unset_it_is_the_machines_own() -> None:
    assert clock_of(None) is utc_now


def test_a_setting_that_is_empty_is_unset() -> None:
    assert Settings(clock_file="").clock_file is None


def test_it_is_moved_and_moved_again_and_brought_back_while_it_runs(file: Path) -> None:
    clock = clock_of(file)
    assert shows(clock, utc_now())
    move(file, MONDAY)
    assert shows(clock, MONDAY)
    move(file, MONDAY + timedelta(minutes=1))
    assert shows(clock, MONDAY + timedelta(minutes=1))
    file.unlink()
    assert shows(clock, utc_now())


def test_it_goes_on_from_when_the_file_was_written_whoever_asks_and_however_late(file: Path) -> None:
    move(file, MONDAY)
    an_hour_ago = (utc_now() - timedelta(hours=1)).timestamp()
    os.utime(file, (an_hour_ago, an_hour_ago))
    assert shows(clock_of(file), MONDAY + timedelta(hours=1))


def test_any_zone_is_understood_and_an_empty_file_is_the_machines_time(file: Path) -> None:
    file.write_text("2026-11-16T05:59:00-08:00")
    assert shows(clock_of(file), MONDAY)
    file.write_text("\n")
    assert shows(clock_of(file), utc_now())


@pytest.mark.parametrize("text", [b"soon", b"2026-11-16T05:59:00", b"\xff\xfe", b"2206-11-16T05:59:00Z", b"9" * 999])
def test_what_is_no_point_in_time_is_told_once_and_the_machines_time_holds(file: Path, text: bytes) -> None:
    move(file, MONDAY)
    clock = clock_of(file)
    clock()
    file.write_bytes(text)
    with capture_logs() as logs:
        assert shows(clock, utc_now())
        assert shows(clock, utc_now())
    assert [entry["event"] for entry in logs] == ["clock_not_moved"]
    assert str(file) in logs[0]["problem"]
    with pytest.raises(ClockFileError):
        ahead(file)
    move(file, MONDAY)
    assert shows(clock, MONDAY)


def test_a_file_that_cannot_be_read_does_not_stop_the_clock(tmp_path: Path) -> None:
    with capture_logs() as logs:
        assert shows(clock_of(tmp_path), utc_now())
    assert len(logs) == 1
