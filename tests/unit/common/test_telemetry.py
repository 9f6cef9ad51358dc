"""How errors are told: what they are and where they came from, without their words."""

import asyncio
import logging
from typing import Any

import asyncpg
import pytest

from common import service, telemetry
from common.bus.failures import HoldError, Kind

EMAIL = "z.quackenbosh@mailbox.example"


def refuse() -> None:
    raise asyncpg.UniqueViolationError(f"Key (email)=({EMAIL}) already exists")


def hold() -> None:
    try:
        refuse()
    except asyncpg.PostgresError as error:
        raise HoldError(Kind.OUR_MISTAKE, error) from error


def an_error() -> HoldError:
    """One that PostgreSQL's words led to."""
    with pytest.raises(HoldError) as raised:
        hold()
    return raised.value


def test_an_error_is_told_with_its_causes_and_without_words() -> None:
    told = telemetry.tell_error(an_error())
    assert EMAIL not in told
    assert [line for line in told.splitlines() if not line.startswith(" ")] == ["23505", "caused", "HoldError"]
    assert "in refuse" in told


def test_an_error_that_is_its_own_cause_is_told_all_the_same() -> None:
    error = an_error()
    error.__cause__ = error
    assert telemetry.tell_error(error)


def test_what_libraries_log_is_told_the_same_way() -> None:
    record = logging.LogRecord("aiokafka", logging.ERROR, "", 0, "it failed", (), (HoldError, an_error(), None))
    text = telemetry._Formatter("%(message)s").format(record)
    assert text.startswith("it failed\n")
    assert EMAIL not in text


async def test_an_error_that_nobody_awaited_is_told_the_same_way(capfd: pytest.CaptureFixture[str]) -> None:
    async def fail() -> None:
        raise ValueError(EMAIL)

    told: list[dict[str, Any]] = []

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        told.append(context)
        service._tell_lost_error(loop, context)

    asyncio.get_running_loop().set_exception_handler(handle)
    task = asyncio.create_task(fail(), name="upload-1")
    await asyncio.wait({task})
    del task
    assert [context["exception"].args for context in told] == [(EMAIL,)]
    out, err = capfd.readouterr()
    assert "upload-1" in out + err
