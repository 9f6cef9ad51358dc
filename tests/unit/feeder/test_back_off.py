"""How long Instantly is left alone: as it says, else twice as long each time."""

import pytest

from feeder.reconcile import LONGEST_PAUSE, BackOff
from support.feeding import HandClock


def test_each_failure_waits_twice_as_long_up_to_a_limit_and_success_forgets() -> None:
    back_off = BackOff(HandClock())
    pauses = [back_off.failed(429, None) for _ in range(12)]
    for number, pause in enumerate(pauses):
        assert pause == pytest.approx(min(LONGEST_PAUSE, 2**number), rel=0.21)
    back_off.succeeded()
    assert not back_off.waiting
    assert back_off.failed(429, None) < 1.3


def test_what_instantly_asks_for_is_kept() -> None:
    clock = HandClock()
    back_off = BackOff(clock)
    assert back_off.failed(429, 17.0) == 17.0
    clock.forward(seconds=16)
    assert back_off.waiting
    clock.forward(seconds=2)
    assert not back_off.waiting


def test_a_clock_that_is_set_back_does_not_lengthen_it() -> None:
    clock = HandClock()
    back_off = BackOff(clock)
    back_off.failed(429, 17.0)
    clock.forward(days=-2)
    assert not back_off.waiting


def test_what_a_person_must_mend_is_tried_seldom() -> None:
    for status in (401, 402, 403):
        assert BackOff(HandClock()).failed(status, None) > 45
