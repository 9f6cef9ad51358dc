"""Errors are logged with their types and stack traces, and without their text."""

import asyncio
import logging
from typing import Any

import asyncpg
import pytest

from common import service, telemetry
from common.bus.failures import ConsumerPausedError, FailureKind

EMAIL = "z.quackenbosh@mailbox.example"


def raise_database_error() -> None:
    raise asyncpg.UniqueViolationError(f"Key (email)=({EMAIL}) already exists")


def raise_pause() -> None:
    try:
        raise_database_error()
    except asyncpg.PostgresError as error:
        raise ConsumerPausedError(FailureKind.DEPLOYMENT_ERROR, error) from error


def error_with_cause() -> ConsumerPausedError:
    """Return an error whose cause has personal data in its text."""
    with pytest.raises(ConsumerPausedError) as raised:
        raise_pause()
    return raised.value


def test_an_error_is_formatted_with_its_causes_and_without_their_text() -> None:
    text = telemetry.format_error(error_with_cause())
    assert EMAIL not in text
    assert [line for line in text.splitlines() if not line.startswith(" ")] == [
        "23505",
        "caused",
        "ConsumerPausedError",
    ]
    assert "in raise_database_error" in text


def test_an_error_that_is_its_own_cause_is_formatted_too() -> None:
    error = error_with_cause()
    error.__cause__ = error
    assert telemetry.format_error(error)


def test_an_error_that_a_library_logs_is_formatted_without_its_text() -> None:
    record = logging.LogRecord(
        "aiokafka", logging.ERROR, "", 0, "it failed", (), (ConsumerPausedError, error_with_cause(), None)
    )
    text = telemetry._Formatter("%(message)s").format(record)
    assert text.startswith("it failed\n")
    assert EMAIL not in text


async def test_an_error_of_a_task_that_is_not_awaited_is_logged_without_its_text(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def fail() -> None:
        raise ValueError(EMAIL)

    contexts: list[dict[str, Any]] = []

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        contexts.append(context)
        service._log_unawaited_error(loop, context)

    asyncio.get_running_loop().set_exception_handler(handle)
    task = asyncio.create_task(fail(), name="upload-1")
    await asyncio.wait({task})
    del task
    assert [context["exception"].args for context in contexts] == [(EMAIL,)]
    out, err = capfd.readouterr()
    assert "upload-1" in out + err
