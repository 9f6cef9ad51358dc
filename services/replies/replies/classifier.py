"""Classifier: takes the replies that wait, asks the model outside of any transaction, and has the result routed.

Its queue is the table. A lease is short, and is renewed while the model is asked: a process that dies leaves one that ends within
seconds, so an opt-out that only the model recognises takes effect within a minute. In every case of failure the rules decide at once.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.pii.keyring import DecryptionError
from common.vendors.errors import VendorCallError
from replies import queries
from replies.outcomes import report_route
from replies.queries import ClaimedReply
from replies.router import ReplyRouter, Routed
from replies.routes import Classification
from replies.stored_texts import TextPart, decrypt_text
from replies.text.intents import decide_by_rules
from replies.text.masking import mask_for_model
from replies.text.new_text import NewText
from replies.vendors.openrouter import OpenRouterClient, UnusableAnswerError

log = structlog.get_logger()

CLAIM_SIZE = 20
PARALLEL_CALLS = 8
RENEWALS_PER_LEASE = 3
ERROR_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ReplyText:
    """Text of a reply, decrypted, and its subject. Never logged."""

    new: NewText
    subject: str


class Classifier:
    """Part of the service that classifies replies until it stops. Every replica may run it."""

    is_service_only = True

    def __init__(
        self, bus: Bus, router: ReplyRouter, client: OpenRouterClient | None, poll_seconds: float, lease_seconds: float
    ) -> None:
        """Classify with *client*; without one, by rules alone. Look for work every *poll_seconds* and when woken."""
        self._bus = bus
        self._router = router
        self._client = client
        self._poll_seconds = poll_seconds
        self._lease_seconds = lease_seconds
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._slots = asyncio.Semaphore(PARALLEL_CALLS)

    def wake(self) -> None:
        """Look for work now: a reply was committed."""
        self._woken.set()

    async def start(self) -> None:
        """Start to classify."""
        self._task = asyncio.create_task(self._run(), name="replies classifier")

    async def stop(self) -> None:
        """Stop. Leases of unfinished replies end, and another process takes them."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                while await self.classify_waiting():
                    pass
            except Exception as error:  # noqa: BLE001 - the database may be away; the rows wait in it
                log.warning("classification_failed", error=telemetry.error_type(error))
                await asyncio.sleep(ERROR_PAUSE_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._poll_seconds)

    async def classify_waiting(self) -> int:
        """Classify and route the oldest replies that wait; return how many were taken."""
        async with self._bus.database.connection() as connection:
            claimed = await queries.claim_replies(connection, lease_seconds=self._lease_seconds, page_size=CLAIM_SIZE)
            rows = await queries.read_claimed_replies(connection, reply_ids=claimed) if claimed else []
        renewing = asyncio.create_task(self._renew_leases(claimed), name="renew leases of replies")
        try:
            results = await asyncio.gather(*map(self._process, rows), return_exceptions=True)
        finally:
            renewing.cancel()
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            raise errors[0]
        return len(claimed)

    async def _renew_leases(self, reply_ids: Sequence[UUID]) -> None:
        """Renew the leases until cancelled. Where that fails, another process may ask the model too, and one result is routed."""
        while reply_ids:
            await asyncio.sleep(self._lease_seconds / RENEWALS_PER_LEASE)
            try:
                async with self._bus.database.connection() as connection:
                    await queries.renew_leases(connection, reply_ids=reply_ids, lease_seconds=self._lease_seconds)
            except Exception as error:  # noqa: BLE001 - the database may be away; the rows wait in it
                log.warning("leases_not_renewed", error=telemetry.error_type(error))

    async def _process(self, row: ClaimedReply) -> None:
        async with self._slots:
            result = await self._classify(row)
            routed = await self._bus.transact(lambda tx: self._route(tx, row.id, result))
        if routed:
            report_route(routed)

    async def _route(self, tx: Tx, reply_id: UUID, result: Classification) -> Routed | None:
        """Route the reply, unless a label or another process has routed it meanwhile."""
        reply = await queries.read_reply(tx.connection, reply_id=reply_id)
        if reply.state != "received" and reply.reclassify_requested_at is None:
            return None
        return await self._router.route_reply(tx, reply, result)

    async def _classify(self, row: ClaimedReply) -> Classification:
        text = self._decrypt(row)
        if text is None or not text.new.text:
            return Classification("out_of_office" if row.is_auto_reply else "other", "rules", fallback_reason="no_text")
        decision = await asyncio.to_thread(decide_by_rules, text.new, text.subject, automatic=row.is_auto_reply)
        if decision.final:
            reason = "instructions" if decision.instructions else None
            return Classification(decision.intent.value, "rules", fallback_reason=reason)
        reason = "no_key"
        if self._client is not None:
            try:
                return await self._client.classify(mask_for_model(text.new.text, _list_names(row)))
            except (VendorCallError, UnusableAnswerError) as error:
                reason = error.code
                log.warning("reply_classified_by_rules", reply_id=str(row.id), reason=reason)
        counter = telemetry.counter("equity_reply_fallbacks", "Replies that rules classified instead of the model")
        counter.add(1, {"reason": reason})
        return Classification(decision.intent.value, "rules", fallback_reason=reason)

    def _decrypt(self, row: ClaimedReply) -> ReplyText | None:
        """Return the text of the reply; None if none is kept, or if the key of the lead was destroyed."""
        if row.lead_id is None or row.data_key is None:
            return None
        try:
            key = self._bus.keyring.unwrap_data_key(row.lead_id, row.data_key)
            subject, text, other = (
                decrypt_text(key, row.id, part, ciphertext) if ciphertext else ""
                for part, ciphertext in _list_ciphertexts(row)
            )
        except DecryptionError:
            log.error("reply_not_decrypted", reply_id=str(row.id))  # noqa: TRY400 - the trace says nothing more
            return None
        return ReplyText(NewText(text, other), subject)


def _list_names(row: ClaimedReply) -> list[str]:
    names = (
        row.owner_first_name, row.owner_last_name, row.owner2_first_name, row.owner2_last_name, row.company_name,
        row.persona_name,
    )  # fmt: skip
    return [name for name in names if name]


def _list_ciphertexts(row: ClaimedReply) -> Sequence[tuple[TextPart, bytes | None]]:
    return (("subject", row.subject_ciphertext), ("text", row.text_ciphertext), ("other", row.other_ciphertext))
