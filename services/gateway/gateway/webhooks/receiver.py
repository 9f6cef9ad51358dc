"""Reception of vendors' webhooks: verify, deduplicate, publish, respond.

The response follows the database commit and does not wait for Kafka, so nothing is lost while Kafka is away
(docs/hazards.md, S18). A verified webhook is never refused for its rate.
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
from gateway.webhooks.body import parse_webhook_body, read_webhook_body, webhook_too_large_problem
from gateway.webhooks.vendors import VENDORS

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
        body = await read_webhook_body(request, self._read_timeout_seconds)
        now = datetime.now(UTC)
        await self._require_genuine(vendor, request, body, now)
        message = parse_webhook_body(body)
        self._check_age(vendor, message, now)
        event = WEBHOOK_EVENTS[vendor](vendor=vendor, received_at=now, body=message)
        if len(event.model_dump_json()) > MAX_INPUT_BYTES:
            raise webhook_too_large_problem(MAX_INPUT_BYTES)
        outcome = await self._bus.transact(lambda tx: self._emit_once(tx, vendor, event, body))
        _count_webhook(vendor, outcome)
        return outcome

    async def _require_genuine(self, vendor: str, request: web.Request, body: bytes, now: datetime) -> None:
        """Raise ProblemError unless the vendor made the webhook with one of its secrets."""
        if VENDORS[vendor].is_genuine(request.headers, body, self._secrets[vendor], now):
            return
        _count_webhook(vendor, "refused")
        if not await self._refusals.count_refusal(request):
            raise await self._refusals.build_refusal(request)
        raise ProblemError(BAD_SIGNATURE, "No active secret made this signature.")

    def _check_age(self, vendor: str, message: Any, now: datetime) -> None:
        """Raise ProblemError if the webhook is older than the inbox remembers: a repeat would not be recognised."""
        sent_at = VENDORS[vendor].sent_at(message) if isinstance(message, dict) else None
        if sent_at is not None and sent_at < now - timedelta(days=self._inbox_days - 1):
            _count_webhook(vendor, "expired")
            raise ProblemError(EXPIRED_WEBHOOK, f"It was sent at {sent_at:%Y-%m-%dT%H:%M:%SZ}.")

    async def _emit_once(self, tx: Tx, vendor: str, event: WebhookReceived, body: bytes) -> str:
        """Emit the event unless it was received before. Another body with the identity of an earlier one is emitted too."""
        event_id, fingerprint = derive_webhook_id(vendor, event.body, body), body_hash(body)
        outcome = "received"
        if not await self._claim(tx, event_id, fingerprint):
            known = await queries.find_webhook_body_hash(tx.connection, event_id=event_id, days=self._inbox_days)
            event_id = ids.named_id(event_id, fingerprint)
            if known == fingerprint or not await self._claim(tx, event_id, fingerprint):
                return "duplicate"
            outcome = "conflict"
            log.warning("webhook_identity_reused", vendor=vendor, event_id=str(event_id))
        tx.emit(event, id=event_id)
        return outcome

    async def _claim(self, tx: Tx, event_id: UUID, fingerprint: int) -> bool:
        """Write the inbox row. Returns False if there is one already."""
        return bool(
            await queries.claim_webhook(tx.connection, event_id=event_id, days=self._inbox_days, body_hash=fingerprint)
        )


def derive_webhook_id(vendor: str, message: Any, body: bytes) -> UUID:
    """Return the id of a webhook. All deliveries of the same webhook have the same id."""
    identity = VENDORS[vendor].identity_parts(message) if isinstance(message, dict) else ()
    return ids.named_id("webhook", vendor, *identity) if identity else ids.named_id("webhook", vendor, body.hex())


def _count_webhook(vendor: str, outcome: str) -> None:
    telemetry.counter("equity_webhooks", "Webhooks of vendors by outcome").add(
        1, {"vendor": vendor, "outcome": outcome}
    )
