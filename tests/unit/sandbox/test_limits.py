"""Rate limits by clock windows."""

import pytest

from sandbox.limits import Limit


def test_what_is_over_the_limit_is_refused_until_the_next_window(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("sandbox.limits.time.time", lambda: now)
    limit = Limit(3, 60)
    assert [limit.take(), limit.take(2), limit.take()] == [True, True, False]
    now += 60
    assert limit.take(3)


def test_a_refused_call_uses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.limits.time.time", lambda: 1_000.0)
    limit = Limit(3, 1)
    assert [limit.take(4), limit.take(3)] == [False, True]
