"""Rate limiter with clock windows."""

import pytest

from sandbox.call_limit import CallLimit
from sandbox.settings import SandboxSettings


def test_calls_above_the_limit_are_refused_until_the_next_window(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("sandbox.call_limit.time.time", lambda: now)
    limit = CallLimit(3, 60)
    assert [limit.acquire_units(), limit.acquire_units(2), limit.acquire_units()] == [True, True, False]
    now += 60
    assert limit.acquire_units(3)


def test_a_refused_call_uses_no_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.call_limit.time.time", lambda: 1_000.0)
    limit = CallLimit(3, 1)
    assert [limit.acquire_units(4), limit.acquire_units(3)] == [False, True]


def test_the_default_limits_are_those_that_the_vendors_publish() -> None:
    """Sources: docs/vendors/instantly.md, melissa.md (business licence) and batchdata.md."""
    settings = SandboxSettings()
    assert settings.sandbox_instantly_requests_per_second == 100
    assert settings.sandbox_instantly_requests_per_minute == 6_000
    assert settings.sandbox_melissa_records_per_second == 200
    assert settings.sandbox_batchdata_requests_per_minute == 3_000
