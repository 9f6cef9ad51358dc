"""The business clock, which tests and demonstrations move while services run."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from common.calendar.clock import Clock, ClockFileError, clock_from_file, clock_offset, move_clock, utc_now
from common.settings import Settings

MONDAY = datetime(2026, 11, 16, 13, 59, tzinfo=UTC)


def is_showing(clock: Clock, moment: datetime) -> bool:
    return timedelta() <= clock() - moment < timedelta(seconds=5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clock"


def test_without_a_file_the_clock_is_the_machines_clock() -> None:
    assert clock_from_file(None) is utc_now


def test_an_empty_setting_is_unset() -> None:
    assert Settings(clock_file="").clock_file is None


def test_a_running_clock_can_be_moved_twice_and_reset(file: Path) -> None:
    clock = clock_from_file(file)
    assert is_showing(clock, utc_now())
    move_clock(file, MONDAY)
    assert is_showing(clock, MONDAY)
    move_clock(file, MONDAY + timedelta(minutes=1))
    assert is_showing(clock, MONDAY + timedelta(minutes=1))
    file.unlink()
    assert is_showing(clock, utc_now())


def test_the_clock_advances_from_the_time_at_which_the_file_was_written(file: Path) -> None:
    move_clock(file, MONDAY)
    an_hour_ago = (utc_now() - timedelta(hours=1)).timestamp()
    os.utime(file, (an_hour_ago, an_hour_ago))
    assert is_showing(clock_from_file(file), MONDAY + timedelta(hours=1))


def test_any_time_zone_is_accepted_and_an_empty_file_means_the_machines_time(file: Path) -> None:
    file.write_text("2026-11-16T05:59:00-08:00")
    assert is_showing(clock_from_file(file), MONDAY)
    file.write_text("\n")
    assert is_showing(clock_from_file(file), utc_now())


@pytest.mark.parametrize("text", [b"soon", b"2026-11-16T05:59:00", b"\xff\xfe", b"2206-11-16T05:59:00Z", b"9" * 999])
def test_an_invalid_file_is_logged_once_and_the_machines_time_is_used(file: Path, text: bytes) -> None:
    move_clock(file, MONDAY)
    clock = clock_from_file(file)
    clock()
    file.write_bytes(text)
    with capture_logs() as logs:
        assert is_showing(clock, utc_now())
        assert is_showing(clock, utc_now())
    assert [entry["event"] for entry in logs] == ["clock_not_moved"]
    assert str(file) in logs[0]["problem"]
    with pytest.raises(ClockFileError):
        clock_offset(file)
    move_clock(file, MONDAY)
    assert is_showing(clock, MONDAY)


def test_a_file_that_cannot_be_read_does_not_stop_the_clock(tmp_path: Path) -> None:
    with capture_logs() as logs:
        assert is_showing(clock_from_file(tmp_path), utc_now())
    assert len(logs) == 1
