"""The service is killed with -9 around the call of an answer: the person gets it once, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from sandbox.app import Sandbox
from support.answers import AnswerFixture
from support.installation import Installation, Spawned
from support.kill_points import with_kill_point


@pytest.mark.parametrize(
    ("point", "sent"),
    [
        ("after the intent of an answer", 0),
        ("before an answer is sent", 0),
        ("after an answer is sent", 1),
        ("before an answer is recorded", 1),
    ],
)
async def test_a_kill_around_the_call_never_repeats_an_answer(
    installation: Installation,
    spawn: Callable[..., Awaitable[Spawned]],
    sandbox: Sandbox,
    session: aiohttp.ClientSession,
    tmp_path: Path,
    point: str,
    sent: int,
) -> None:
    data = await AnswerFixture.create(installation.database, sandbox, session)
    replies = await spawn(
        "replies",
        INSTANTLY_BASE_URL=f"{sandbox.url}/instantly",
        INSTANTLY_API_KEY="sandbox-instantly-key",
        ANSWER_CHECK_SECONDS="0.1",
        ANSWER_LOOKUP_SECONDS="0.1",
    )
    replies.stop()
    plain, marker = replies.program, tmp_path / "killed"
    answer = await data.add_waiting_answer()
    replies.program = with_kill_point(plain, point, marker, passes_before=0)
    replies.start()
    async with asyncio.timeout(60):
        while replies.alive:
            await asyncio.sleep(0.05)
    assert marker.exists()
    assert (await data.state(answer))[0] == "sending"
    await data.end_waits()
    replies.program = plain
    replies.start()
    async with asyncio.timeout(60):
        while (await data.row(answer))["sent_at" if sent else "checked_at"] is None:
            await asyncio.sleep(0.05)
    assert (await data.state(answer))[0] == ("sent" if sent else "unknown")
    assert len(await data.sent_emails()) == sent
    await data.db.close()
