"""Rate limits by clock windows."""

import pytest

from sandbox.limits import Limit
from sandbox.settings import SandboxSettings


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


def test_the_limits_are_those_that_the_vendors_publish() -> None:
    """Contracts §1.1, §4 (a business licence) and §5."""
    settings = SandboxSettings()
    assert settings.sandbox_instantly_requests_per_second == 100
    assert settings.sandbox_instantly_requests_per_minute == 6_000
    assert settings.sandbox_melissa_records_per_second == 200
    assert settings.sandbox_batchdata_requests_per_minute == 3_000
