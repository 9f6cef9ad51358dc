"""When people may be called, by state, day and clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.calling_hours import Window, calling_window, next_calling_time
from common.places import STATES
from common.zones import NOWHERE, Place, places_of_address

FLORIDA = places_of_address("FL", "33755")
HAWAII = places_of_address("HI", "96815")
MONDAY, SATURDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 21), date(2026, 11, 22)

PUBLISHED: dict[str, tuple[tuple[int, int] | None, tuple[int, int] | None, tuple[int, int] | None]] = {
    "AL": ((8, 20), (8, 20), None), "CT": ((9, 20), (9, 20), (9, 20)), "FL": ((8, 20), (8, 20), (8, 20)),
    "KY": ((10, 21), (10, 21), (10, 21)), "LA": ((8, 20), (8, 20), None), "MA": ((8, 20), (8, 20), (8, 20)),
    "MD": ((8, 20), (8, 20), (8, 20)), "MI": ((9, 21), (9, 21), (9, 21)), "MN": ((9, 21), (9, 21), (9, 21)),
    "MS": ((8, 20), (8, 20), None), "NM": ((9, 21), (9, 21), (9, 21)), "NV": ((9, 20), (9, 20), (9, 20)),
    "OK": ((8, 20), (8, 20), (8, 20)), "PA": ((8, 21), (8, 12), (8, 21)), "RI": ((9, 18), (10, 17), None),
    "WA": ((8, 20), (8, 20), (8, 20)),
}  # fmt: skip
"""State hours stricter than federal law on weekdays, Saturdays and Sundays, as the statutes and tables of November 2026 give them."""


def local(zone: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type,misc]


def within(inner: Window | None, outer: tuple[int, int] | None) -> bool:
    return inner is None or (outer is not None and time(outer[0]) <= inner.opens and inner.closes <= time(outer[1]))


@pytest.mark.parametrize("state", sorted(STATES.values()))
def test_no_state_is_called_outside_its_own_hours_or_the_federal_ones(state: str) -> None:
    weekdays, saturday, sunday = PUBLISHED.get(state, ((8, 21), (8, 21), (8, 21)))
    assert within(calling_window(state, MONDAY), weekdays)
    assert within(calling_window(state, SATURDAY), saturday)
    assert within(calling_window(state, SUNDAY), sunday)
    assert calling_window(state, MONDAY)


@pytest.mark.parametrize("state", sorted(STATES.values()))
def test_nobody_is_called_on_a_sunday_or_a_holiday(state: str) -> None:
    assert calling_window(state, SUNDAY) is None
    assert calling_window(state, date(2026, 11, 26)) is None


def test_states_stricter_than_the_house_keep_their_own_hours() -> None:
    assert calling_window("KY", MONDAY) == calling_window("KY", SATURDAY) == Window(time(10), time(20))
    assert calling_window("PA", MONDAY) == Window(time(9), time(20))
    assert calling_window("RI", MONDAY) == Window(time(9), time(18))
    assert calling_window("RI", SATURDAY) == Window(time(10), time(17))
    assert calling_window("PA", SATURDAY) == Window(time(9), time(12))
    assert calling_window("LA", date(2026, 2, 17)) is None  # Mardi Gras


def test_the_window_opens_with_its_first_minute_and_ends_before_its_last() -> None:
    nine, eight_pm = local("America/New_York", 2026, 11, 16, 9), local("America/New_York", 2026, 11, 16, 20)
    assert next_calling_time(FLORIDA, nine) == nine
    assert next_calling_time(FLORIDA, nine - timedelta(microseconds=1)) == nine
    last = eight_pm - timedelta(microseconds=1)
    assert next_calling_time(FLORIDA, last) == last
    assert next_calling_time(FLORIDA, eight_pm) == nine + timedelta(days=1)


def test_after_friday_comes_saturday_and_after_saturday_monday() -> None:
    night = local("America/New_York", 2026, 11, 21, 21)
    assert next_calling_time(FLORIDA, night) == local("America/New_York", 2026, 11, 23, 9)


def test_a_holiday_is_leapt() -> None:
    eve = local("America/New_York", 2026, 11, 25, 20)
    assert next_calling_time(places_of_address("NY", "10001"), eve) == local("America/New_York", 2026, 11, 27, 9)
    assert next_calling_time(FLORIDA, eve) == local(
        "America/New_York", 2026, 11, 28, 9
    )  # Florida rests on the Friday too


def test_in_two_places_both_clocks_must_allow() -> None:
    morning = local("America/New_York", 2026, 11, 16, 9)
    assert next_calling_time(FLORIDA | HAWAII, morning) == local("Pacific/Honolulu", 2026, 11, 16, 9)
    late = local("America/New_York", 2026, 11, 16, 20)  # afternoon in Honolulu
    assert next_calling_time(FLORIDA | HAWAII, late) == local("Pacific/Honolulu", 2026, 11, 17, 9)


def test_a_split_state_waits_for_its_western_part_and_stops_with_its_eastern() -> None:
    panhandle = places_of_address("FL", "32401")
    assert next_calling_time(panhandle, local("America/New_York", 2026, 11, 16, 9, 30)) == local(
        "America/Chicago", 2026, 11, 16, 9
    )
    assert next_calling_time(panhandle, local("America/Chicago", 2026, 11, 16, 19, 30)) == local(
        "America/Chicago", 2026, 11, 17, 9
    )


@pytest.mark.parametrize(
    ("sunday", "utc_hour"),
    [(date(2026, 3, 8), 13), (date(2026, 11, 1), 14), (date(2027, 3, 14), 13), (date(2027, 11, 7), 14)],
)
def test_on_the_monday_after_a_change_of_clocks_nine_is_nine_by_the_new_clock(sunday: date, utc_hour: int) -> None:
    night = datetime.combine(sunday, time(12), UTC)
    assert next_calling_time(FLORIDA, night) == datetime.combine(sunday + timedelta(days=1), time(utc_hour), UTC)


def test_arizona_keeps_its_clock_and_the_navajo_nation_does_not() -> None:
    phoenix, navajo = places_of_address("AZ", "85001"), places_of_address("AZ", "86503")
    july = local("America/Denver", 2026, 7, 13, 9)
    assert next_calling_time(phoenix, july) == july + timedelta(hours=1)
    assert next_calling_time(navajo, local("America/Phoenix", 2026, 7, 13, 19, 30)) == local(
        "America/Phoenix", 2026, 7, 14, 9
    )
    november = local("America/Denver", 2026, 11, 16, 9)
    assert next_calling_time(phoenix, november) == november


def test_nobody_is_called_where_nobody_knows() -> None:
    assert next_calling_time(NOWHERE, local("America/New_York", 2026, 11, 16, 12)) is None


def test_places_that_never_share_an_hour_are_never_called() -> None:
    far = frozenset({Place("GU", "Pacific/Guam"), Place("RI", "America/New_York")})
    assert next_calling_time(far, local("America/New_York", 2026, 11, 16, 12)) is None


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        next_calling_time(FLORIDA, datetime(2026, 11, 16, 12))  # noqa: DTZ001 - the mistake itself
