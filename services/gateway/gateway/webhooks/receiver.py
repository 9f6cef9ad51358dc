"""Reception of vendors' webhooks: verify, deduplicate, publish, respond.

The response follows the database commit and does not wait for Kafka, so nothing is lost while Kafka is away
(docs/hazards.md, S18). A verified webhook is never refused for its rate, type or size.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from aiohttp import web

from common import ids, telemetry
from common.bus import Bus, Tx
from common.bus.failures import body_hash
from common.events import WEBHOOK_EVENTS, WebhookReceived
from common.topics import MAX_INPUT_BYTES
from common.web.problems import NOT_FOUND, ProblemError
from common.web.rate_limits import RefusalLimit
from gateway.problems import BAD_SIGNATURE, EXPIRED_WEBHOOK
from gateway.settings import GatewaySettings
from gateway.webhooks import queries
from gateway.webhooks.body import WebhookBody, parse_webhook_body, read_webhook_body
from gateway.webhooks.vendors import VENDORS
from gateway.webhooks.vendors.proofs import Proof

log = structlog.get_logger()


class WebhookReceiver:
    """Receiver of the webhooks of vendors for which a secret is configured."""

    def __init__(self, settings: GatewaySettings, bus: Bus, refusals: RefusalLimit) -> None:
        self._bus = bus
        self._refusals = refusals
        self._secrets = {name: found for name in VENDORS if (found := settings.webhook_secrets(name))}  # type: ignore[arg-type]
        self._inbox_days = settings.inbox_days
        self._read_timeout_seconds = settings.gateway_read_seconds

    async def receive_webhook(self, vendor: str, request: web.Request) -> str:
        """Receive a webhook; return `received`, `conflict`, or `duplicate` for a repeat. Raises ProblemError."""
        if vendor not in self._secrets:
            raise ProblemError(NOT_FOUND, "No such vendor is connected here.")
        now = datetime.now(UTC)
        proof = VENDORS[vendor].start_proof(request.headers, self._secrets[vendor], now)
        if not proof.covers_body:
            await self._require_genuine(vendor, proof, request)
        body = await read_webhook_body(request, self._read_timeout_seconds, proof)
        await self._require_genuine(vendor, proof, request)
        message = parse_webhook_body(body.kept) if body.is_complete else {}
        event_type = _name_event_type(vendor, message)
        self._check_age(vendor, event_type, message, now)
        event_id = derive_webhook_id(vendor, message, body.digest)
        event = _build_event(vendor, message, body, now)
        outcome = await self._bus.transact(lambda tx: self._emit_once(tx, event, event_id, body_hash(body.digest)))
        _count_webhook(vendor, event_type, outcome)
        return outcome

    async def _require_genuine(self, vendor: str, proof: Proof, request: web.Request) -> None:
        """Raise ProblemError unless the vendor made the webhook with one of its secrets."""
        if proof.is_genuine():
            return
        _count_webhook(vendor, "unknown", "refused")
        if not await self._refusals.count_refusal(request):
            raise await self._refusals.build_refusal(request)
        raise ProblemError(BAD_SIGNATURE, "No active secret made this signature.")

    def _check_age(self, vendor: str, event_type: str, message: Any, now: datetime) -> None:
        """Raise ProblemError if the webhook is older than the inbox remembers: a repeat would not be recognised."""
        sent_at = VENDORS[vendor].sent_at(message) if isinstance(message, dict) else None
        if sent_at is not None and sent_at < now - timedelta(days=self._inbox_days - 1):
            _count_webhook(vendor, event_type, "expired")
            raise ProblemError(EXPIRED_WEBHOOK, f"It was sent at {sent_at:%Y-%m-%dT%H:%M:%SZ}.")

    async def _emit_once(self, tx: Tx, event: WebhookReceived, event_id: UUID, fingerprint: int) -> str:
        """Emit the event unless it was received before. Another body with the identity of an earlier one is emitted too."""
        outcome = "received"
        if not await self._claim(tx, event_id, fingerprint):
            known = await queries.find_webhook_body_hash(tx.connection, event_id=event_id, days=self._inbox_days)
            event_id = ids.named_id(event_id, fingerprint)
            if known == fingerprint or not await self._claim(tx, event_id, fingerprint):
                return "duplicate"
            outcome = "conflict"
            log.warning("webhook_identity_reused", vendor=event.vendor, event_id=str(event_id))
        tx.emit(event, id=event_id)
        return outcome

    async def _claim(self, tx: Tx, event_id: UUID, fingerprint: int) -> bool:
        """Write the inbox row. Returns False if there is one already."""
        return bool(
            await queries.claim_webhook(tx.connection, event_id=event_id, days=self._inbox_days, body_hash=fingerprint)
        )


def derive_webhook_id(vendor: str, message: dict[str, Any] | list[Any], digest: bytes) -> UUID:
    """Return the id of a webhook with a body of this SHA-256. All deliveries of the same webhook have the same id."""
    identity = VENDORS[vendor].identity_parts(message) if isinstance(message, dict) else ()
    return ids.named_id("webhook", vendor, *identity) if identity else ids.named_id("webhook", vendor, digest.hex())


def _build_event(
    vendor: str, message: dict[str, Any] | list[Any], body: WebhookBody, received_at: datetime
) -> WebhookReceived:
    """Return the event; a stub if the message is too large for the bus. Its owner fetches the content from the vendor."""
    event = WEBHOOK_EVENTS[vendor](vendor=vendor, received_at=received_at, body=message, size=body.size)
    if body.is_complete and len(event.model_dump_json()) <= MAX_INPUT_BYTES:
        return event
    stub = VENDORS[vendor].stub(message) if isinstance(message, dict) else {}
    log.warning("webhook_oversized", vendor=vendor, size=body.size)
    return event.model_copy(update={"body": stub, "oversized": True})


def _name_event_type(vendor: str, message: dict[str, Any] | list[Any]) -> str:
    """Return the type for the counter. Senders may invent types without end, so others than the documented ones are `other`."""
    event_type = VENDORS[vendor].event_type(message) if isinstance(message, dict) else ""
    return event_type if event_type in VENDORS[vendor].EVENT_TYPES else "other"


def _count_webhook(vendor: str, event_type: str, outcome: str) -> None:
    telemetry.counter("equity_webhooks", "Webhooks of vendors by type and outcome").add(
        1, {"vendor": vendor, "type": event_type, "outcome": outcome}
    )
