"""Opt-outs at every moment of an answer: none is begun after the commit of an opt-out."""

import asyncio
import random

from replies.settings import RepliesSettings
from support.answers import AnswerFixture, RepliesJobs, WaitingAnswer
from support.feeding import KEYS

ROUNDS = 60


async def opt_out(data: AnswerFixture, email: str, answer: WaitingAnswer, pause: float) -> str:
    """Opt out after a pause. Return the state of the answer at the moment at which the opt-out was decided."""
    await asyncio.sleep(pause)
    value_hash = KEYS.hash_contact(email)
    async with data.db.transaction():
        key = int.from_bytes(value_hash[:8], "big", signed=True)
        await data.db.execute("select pg_advisory_xact_lock($1)", key)
        state = str(await data.db.fetchval("select state from app.reply_answers where id = $1", answer.id))
        await data.db.fetchrow("select * from app.opt_out('email', $1, 'h1', 'opt_out', null, now(), null)", value_hash)
    return state


async def test_no_answer_is_begun_after_the_commit_of_an_opt_out(
    data: AnswerFixture, settings: RepliesSettings
) -> None:
    moments = random.Random(1)
    outcomes = set[tuple[bool, str]]()
    async with RepliesJobs(settings) as first, RepliesJobs(settings) as second:
        for number in range(ROUNDS):
            email = f"owner{number}@gmail.com"
            answer = await data.add_waiting_answer(email)
            before, *_ = await asyncio.gather(
                opt_out(data, email, answer, moments.uniform(0, 0.2)),
                first.run_jobs("send_answers"),
                second.run_jobs("send_answers"),
            )
            state, reason = await data.state(answer)
            sent = len(await data.sent_emails(email))
            if before == "due":
                assert (state, reason, sent) == ("refused", "suppressed", 0)
            else:
                assert sent == 1
            outcomes.add((before == "due", state))
    assert {(True, "refused"), (False, "sent")} <= outcomes
