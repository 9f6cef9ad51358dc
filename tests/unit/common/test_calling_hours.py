"""Calling hours by state, day and time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.compliance.calling_hours import calling_window, next_calling_time
from common.compliance.rule_kinds import CallingWindow
from common.compliance.time_zones import NO_PLACES, TimeZonePlace, places_of_address
from common.geography.places import STATES

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
"""Hours of states stricter than federal law on weekdays, Saturdays and Sundays, by statutes and tables of November 2026."""


def local(zone: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type,misc]


def within(inner: CallingWindow | None, outer: tuple[int, int] | None) -> bool:
    return inner is None or (outer is not None and time(outer[0]) <= inner.opens and inner.closes <= time(outer[1]))


@pytest.mark.parametrize("state", sorted(STATES.values()))
def test_our_hours_lie_inside_the_hours_of_each_state_and_of_federal_law(state: str) -> None:
    weekdays, saturday, sunday = PUBLISHED.get(state, ((8, 21), (8, 21), (8, 21)))
    assert within(calling_window(state, MONDAY), weekdays)
    assert within(calling_window(state, SATURDAY), saturday)
    assert within(calling_window(state, SUNDAY), sunday)
    assert calling_window(state, MONDAY)


@pytest.mark.parametrize("state", sorted(STATES.values()))
def test_sundays_and_holidays_have_no_calling_hours(state: str) -> None:
    assert calling_window(state, SUNDAY) is None
    assert calling_window(state, date(2026, 11, 26)) is None


def test_states_stricter_than_our_default_have_their_own_hours() -> None:
    assert calling_window("KY", MONDAY) == calling_window("KY", SATURDAY) == CallingWindow(time(10), time(20))
    assert calling_window("PA", MONDAY) == CallingWindow(time(9), time(20))
    assert calling_window("RI", MONDAY) == CallingWindow(time(9), time(18))
    assert calling_window("RI", SATURDAY) == CallingWindow(time(10), time(17))
    assert calling_window("PA", SATURDAY) == CallingWindow(time(9), time(12))
    assert calling_window("LA", date(2026, 2, 17)) is None  # Mardi Gras


def test_the_window_includes_its_start_and_excludes_its_end() -> None:
    nine, eight_pm = local("America/New_York", 2026, 11, 16, 9), local("America/New_York", 2026, 11, 16, 20)
    assert next_calling_time(FLORIDA, nine) == nine
    assert next_calling_time(FLORIDA, nine - timedelta(microseconds=1)) == nine
    last = eight_pm - timedelta(microseconds=1)
    assert next_calling_time(FLORIDA, last) == last
    assert next_calling_time(FLORIDA, eight_pm) == nine + timedelta(days=1)


def test_after_saturday_the_next_calling_day_is_monday() -> None:
    night = local("America/New_York", 2026, 11, 21, 21)
    assert next_calling_time(FLORIDA, night) == local("America/New_York", 2026, 11, 23, 9)


def test_a_holiday_is_skipped() -> None:
    eve = local("America/New_York", 2026, 11, 25, 20)
    assert next_calling_time(places_of_address("NY", "10001"), eve) == local("America/New_York", 2026, 11, 27, 9)
    assert next_calling_time(FLORIDA, eve) == local(
        "America/New_York", 2026, 11, 28, 9
    )  # the Friday is a holiday in Florida too


def test_with_two_places_both_must_allow_the_call() -> None:
    morning = local("America/New_York", 2026, 11, 16, 9)
    assert next_calling_time(FLORIDA | HAWAII, morning) == local("Pacific/Honolulu", 2026, 11, 16, 9)
    late = local("America/New_York", 2026, 11, 16, 20)  # afternoon in Honolulu
    assert next_calling_time(FLORIDA | HAWAII, late) == local("Pacific/Honolulu", 2026, 11, 17, 9)


def test_with_two_time_zones_calls_start_with_the_western_and_end_with_the_eastern() -> None:
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
def test_after_a_daylight_saving_change_calls_start_at_nine_by_the_new_time(sunday: date, utc_hour: int) -> None:
    night = datetime.combine(sunday, time(12), UTC)
    assert next_calling_time(FLORIDA, night) == datetime.combine(sunday + timedelta(days=1), time(utc_hour), UTC)


def test_arizona_has_no_daylight_saving_and_the_navajo_nation_has() -> None:
    phoenix, navajo = places_of_address("AZ", "85001"), places_of_address("AZ", "86503")
    july = local("America/Denver", 2026, 7, 13, 9)
    assert next_calling_time(phoenix, july) == july + timedelta(hours=1)
    assert next_calling_time(navajo, local("America/Phoenix", 2026, 7, 13, 19, 30)) == local(
        "America/Phoenix", 2026, 7, 14, 9
    )
    november = local("America/Denver", 2026, 11, 16, 9)
    assert next_calling_time(phoenix, november) == november


def test_without_a_known_place_there_is_no_calling_time() -> None:
    assert next_calling_time(NO_PLACES, local("America/New_York", 2026, 11, 16, 12)) is None


def test_places_without_a_common_hour_have_no_calling_time() -> None:
    far = frozenset({TimeZonePlace("GU", "Pacific/Guam"), TimeZonePlace("RI", "America/New_York")})
    assert next_calling_time(far, local("America/New_York", 2026, 11, 16, 12)) is None


def test_a_time_without_a_zone_raises() -> None:
    with pytest.raises(ValueError, match="no zone"):
        next_calling_time(FLORIDA, datetime(2026, 11, 16, 12))  # noqa: DTZ001 - the mistake itself
