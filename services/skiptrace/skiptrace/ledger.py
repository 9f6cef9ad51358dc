"""The book of paid calls: written before a call, and at once after it, so that a crash costs a batch and no lead.

What leads look like to skip tracing is always read from here, answers included that nobody has merged yet: going on after
a crash is the same code as going on after an answer.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import orjson
import structlog

from common import ids, telemetry
from common.bus.failures import Kind, classify
from common.contacts import Keyring
from common.database import Database, load_queries
from skiptrace.lead import Lead, Person, Question
from skiptrace.provider import BadQuestionError, Provider, ProviderError, Reply, UnknownAnswerError, read_answer
from skiptrace.settings import SPARE, SkiptraceSettings

log = structlog.get_logger()
queries = load_queries(__file__)

PATIENCE = 20.0
"""Seconds for which an answer that was paid for waits for the database; less than a rebalance waits for the batch."""
QUESTION, ANSWER = "skip-trace-question", "skip-trace-answer"
"""What a sealed question and a sealed answer are sealed for, each with the id of its request."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A call that is written down and may now be made."""

    id: UUID
    provider: Provider
    questions: Sequence[Question]
    latest: datetime
    """When the call has to begin, by the machine's time, so that its answer comes before others call it unknown."""
    probing: bool = False
    """Whether the provider was down, and this call finds out whether it still is."""


class Ledger:
    """Requests and answers of skip tracing."""

    def __init__(self, database: Database, keyring: Keyring, settings: SkiptraceSettings) -> None:
        self._database = database
        self._keyring = keyring
        self._settings = settings

    def count_nothing(self, provider: str) -> None:
        """Let the metrics of *provider* begin at zero, so that its first unknown answer is seen to be more."""
        for outcome in ("answered", "unknown"):
            count(provider, outcome, 0, Decimal(0))

    async def expire(self) -> int:
        """Call unknown what will not be answered any more; how many requests that were. Counts them in money."""
        async with self._database.transaction() as connection:
            gone = [row async for row in queries.expire_requests(connection)]
            if gone:
                await queries.mark_unknown_parts(connection, ids=[row["id"] for row in gone])
        for row in gone:
            log.error(
                "paid_answer_unknown",
                request_id=str(row["id"]),
                provider=row["provider"],
                records=row["records"],
                cents=float(row["cost_cents"] or 0),
            )
            count(row["provider"], "unknown", row["records"], row["cost_cents"] or Decimal(0))
        return len(gone)

    async def expire_batches(self) -> None:
        """End the leases of files: what nobody brought back may be handed out again, and costs nothing."""
        async with self._database.transaction() as connection:
            ended = [row async for row in queries.expire_batches(connection)]
        for row in ended:
            log.warning("batch_not_imported", batch_id=str(row["batch_id"]), records=row["records"])
            count(row["provider"], "expired", row["records"], Decimal(0))

    async def failures_before_answers(self, provider: str, since: datetime) -> float:
        """How often *provider* failed, on average and since then, about a lead that it answered after all."""
        async with self._database.connection() as connection:
            row = await queries.failures_before_answers(connection, provider=provider, since=since)
        return float(row["each"])

    async def open(
        self,
        provider: Provider,
        leads: Sequence[Lead],
        questions: Sequence[Question],
        *,
        beside: Sequence[str],
        probing: bool,
    ) -> Asking | None:
        """Write down that *questions* are about to be asked; None when somebody else is asking about all of these leads.

        The providers *beside* may be asked about them at the same time.
        """
        request_id = ids.new_id()
        seen = [answer.request_id for lead in leads for answer in lead.answers]
        wanted = [question.lead_id for question in questions]
        async with self._database.transaction() as connection:
            _ = [row async for row in queries.lock_leads(connection, ids=wanted)]
            since = datetime.now(UTC) - timedelta(days=self._settings.skiptrace_period_days)
            in_hand = queries.leads_in_hand(
                connection,
                ids=wanted,
                seen=seen,
                since=since,
                beside=beside,
                read_at=min(lead.read_at for lead in leads),
            )
            taken = {row["lead_id"] async for row in in_hand}
            free = [question for question in questions if question.lead_id not in taken]
            if not free:
                return None
            latest = datetime.now(UTC) + SPARE / 2
            await queries.add_request(
                connection,
                id=request_id,
                provider=provider.name,
                records=len(free),
                cost_cents=provider.offer.cents * len(free),
                question_sealed=self.seal_questions(request_id, free),
                lease=self._settings.lease,
            )
            await queries.add_attempts(
                connection,
                request_id=request_id,
                provider=provider.name,
                lead_ids=[question.lead_id for question in free],
            )
        return Asking(request_id, provider, free, latest, probing)

    async def keep(self, asking: Asking, reply: Reply) -> None:
        """Store the raw answer, as it came, before anything is made of it.

        Raises UnknownAnswerError or another ProviderError when it is no answer after all; then that is stored.
        """
        try:
            findings = read_answer(asking.provider, asking.questions, reply)
        except ProviderError as error:
            await self.close(asking, error, reply)
            raise
        cost = asking.provider.cost_cents(findings)
        await self._write(asking, "answered", cost, None, self.seal_reply(asking.id, reply), part=None)
        log.info(
            "provider_answered",
            provider=asking.provider.name,
            records=len(asking.questions),
            matched=sum(finding.matched for finding in findings),
        )

    async def close(self, asking: Asking, error: ProviderError, reply: Reply | None = None) -> None:
        """Write down that no answer came: `failed` where it cannot have been paid for, else `unknown`.

        A failure of a provider that is down says nothing about its leads and is not held against them.
        """
        unknown = isinstance(error, UnknownAnswerError)
        outcome = "unknown" if unknown else "failed"
        cost = asking.provider.offer.cents * len(asking.questions) if unknown else Decimal(0)
        alone = isinstance(error, BadQuestionError) and len(asking.questions) == 1
        part = "refused_record" if alone else "provider_down" if asking.probing and not unknown else outcome
        sealed = self.seal_reply(asking.id, reply) if reply and unknown else None
        await self._write(asking, outcome, cost, error.code, sealed, part=part)
        log.warning(
            "provider_failed",
            provider=asking.provider.name,
            outcome=outcome,
            code=error.code,
            records=len(asking.questions),
        )

    def seal_questions(self, request_id: UUID, questions: Sequence[Question]) -> bytes:
        """What was asked, as it is stored."""
        return self._keyring.seal(QUESTION, request_id.bytes, orjson.dumps(questions, default=str))

    def seal_reply(self, request_id: UUID, reply: Reply) -> bytes:
        """What was answered, as it is stored."""
        body = orjson.dumps([reply.status, reply.content_type]) + b"\n" + reply.body
        return self._keyring.seal(ANSWER, request_id.bytes, body)

    async def _write(
        self, asking: Asking, outcome: str, cost: Decimal, detail: str | None, sealed: bytes | None, *, part: str | None
    ) -> None:
        """Write and count how a call ended; patiently, because the answer is paid for and lives in this process only."""
        give_up, tries = time.monotonic() + PATIENCE, 0
        while True:
            tries += 1
            try:
                async with self._database.transaction() as connection:
                    before = await queries.keep_answer(
                        connection, id=asking.id, outcome=outcome, cost_cents=cost, answer_sealed=sealed, detail=detail
                    )
                    await queries.end_parts(connection, request_id=asking.id, part=part)
            except Exception as error:
                # All of the time may have gone into one session that stood still: another one is tried all the same.
                late = tries > 1 and time.monotonic() > give_up
                if late or classify(error) not in (Kind.OURS_DOWN, Kind.REPEAT):
                    raise
                log.warning("answer_waits_for_the_database", provider=asking.provider.name, error=type(error).__name__)
                await asyncio.sleep(0.5)
            else:
                break
        if (before, outcome) != ("unknown", "unknown"):  # whoever found its lease run out counted it
            count(asking.provider.name, outcome, len(asking.questions), cost)

    def unseal(self, request_id: UUID, question: bytes, answer: bytes) -> tuple[list[Question], Reply]:
        """What was asked and answered. Raises CannotOpenError."""
        questions = self.unseal_questions(request_id, question)
        head, _, body = self._keyring.unseal(ANSWER, request_id.bytes, answer).partition(b"\n")
        status, content_type = orjson.loads(head)
        return questions, Reply(status, content_type, body)

    def unseal_questions(self, request_id: UUID, sealed: bytes) -> list[Question]:
        """What was asked. Raises CannotOpenError."""
        return [
            Question(
                UUID(one["lead_id"]), Person(**one["person"]), one["phone"], one["email"], tuple(one.get("phones", ()))
            )
            for one in orjson.loads(self._keyring.unseal(QUESTION, request_id.bytes, sealed))
        ]


def count(provider: str, outcome: str, records: int, cents: Decimal) -> None:
    """Count records and money in the metrics, by how it ended."""
    labels = {"provider": provider, "outcome": outcome}
    telemetry.counter("equity_skiptrace_records", "Records asked of providers, by how it ended").add(records, labels)
    telemetry.counter(
        "equity_skiptrace_cents",
        "What providers' answers cost in US cents; for unknown ones the most they can have cost",
    ).add(float(cents), labels)
