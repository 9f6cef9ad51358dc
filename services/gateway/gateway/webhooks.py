"""Vendors' webhooks: verify, take once, put on the bus, answer.

Answered after the commit and not after Kafka: while Kafka is away nothing is lost (hazards S18). A verified webhook is
never refused for coming too often.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from common import ids, telemetry
from common.bus import Bus, Tx
from common.bus.failures import body_hash
from common.database import load_queries
from common.events import WEBHOOKS, WebhookReceived
from common.topics import MAX_INPUT_BYTES
from gateway.limits import Limits
from gateway.problems import ProblemError
from gateway.settings import GatewaySettings
from gateway.vendors import VENDORS

log = structlog.get_logger()
queries = load_queries(__file__)

MAX_BODY = 1 << 20


class Webhooks:
    """Takes the webhooks of the vendors that have a secret here."""

    def __init__(self, settings: GatewaySettings, bus: Bus, limits: Limits) -> None:
        self._bus = bus
        self._limits = limits
        self._secrets = {name: found for name in VENDORS if (found := settings.webhook_secrets(name))}  # type: ignore[arg-type]
        self._days = settings.inbox_days
        self._patience = settings.gateway_read_seconds

    async def take(self, vendor: str, request: web.Request) -> str:
        """Take a webhook: `received`, or `duplicate` for one that came before. Raises ProblemError."""
        if vendor not in self._secrets:
            raise ProblemError("not_found", "No such vendor is connected here.")
        body = await _body(request, self._patience)
        now = datetime.now(UTC)
        if not VENDORS[vendor].is_genuine(request.headers, body, self._secrets[vendor], now):
            _count(vendor, "refused")
            if not await self._limits.count_failure(request):
                raise await self._limits.failure_refusal(request)
            raise ProblemError("bad_signature", "No active secret made this signature.")
        message = parse(body)
        self._check_age(vendor, message, now)
        event = WEBHOOKS[vendor](vendor=vendor, received_at=now, body=message)
        if len(event.model_dump_json()) > MAX_INPUT_BYTES:
            raise _too_large(MAX_INPUT_BYTES)
        outcome = await self._bus.transact(lambda tx: self._enter(tx, vendor, event, body))
        _count(vendor, outcome)
        return outcome

    def _check_age(self, vendor: str, message: Any, now: datetime) -> None:
        """What is older than we remember could be a repeat that we would not know for one."""
        sent_at = VENDORS[vendor].sent_at(message) if isinstance(message, dict) else None
        if sent_at is not None and sent_at < now - timedelta(days=self._days - 1):
            _count(vendor, "stale")
            raise ProblemError("stale_webhook", f"It was sent at {sent_at:%Y-%m-%dT%H:%M:%SZ}.")

    async def _enter(self, tx: Tx, vendor: str, event: WebhookReceived, body: bytes) -> str:
        """Enter it once. Another body under the names of an earlier one is not lost: it counts as one of its own."""
        event_id, fingerprint = webhook_id(vendor, event.body, body), body_hash(body)
        outcome = "received"
        if not await self._claimed(tx, event_id, fingerprint):
            known = await queries.webhook_body_hash(tx.connection, event_id=event_id, days=self._days)
            event_id = ids.named_id(event_id, fingerprint)
            if known == fingerprint or not await self._claimed(tx, event_id, fingerprint):
                return "duplicate"
            outcome = "conflict"
            log.warning("webhook_names_used_twice", vendor=vendor, event_id=str(event_id))
        tx.emit(event, id=event_id)
        return outcome

    async def _claimed(self, tx: Tx, event_id: UUID, fingerprint: int) -> bool:
        return bool(
            await queries.claim_webhook(tx.connection, event_id=event_id, days=self._days, body_hash=fingerprint)
        )


def webhook_id(vendor: str, message: Any, body: bytes) -> UUID:
    """The id of a webhook: the same for each time that it is delivered."""
    names = VENDORS[vendor].names(message) if isinstance(message, dict) else ()
    return ids.named_id("webhook", vendor, *names) if names else ids.named_id("webhook", vendor, body.hex())


def parse(body: bytes) -> dict[str, Any] | list[Any]:
    """The JSON object or array in *body*. Raises ProblemError for anything else.

    Halves of surrogate pairs, which JavaScript lets pass, become question marks instead of costing us the webhook.
    """
    try:
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError:
            text = json.dumps(json.loads(body, parse_constant=_no_constant), ensure_ascii=False)
            message = orjson.loads(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ProblemError("bad_json", "Send JSON.") from error
    if not isinstance(message, dict | list):
        raise ProblemError("bad_json", "Send a JSON object.")
    return message


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def _body(request: web.Request, seconds: float) -> bytes:
    """The body, up to its limit and within so many seconds. Raises ProblemError."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProblemError("content_encoding", "Send the body as it is; the signature covers those bytes.")
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large(MAX_BODY)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while len(body) <= MAX_BODY and (piece := await request.content.readany()):
                body += piece
    except TimeoutError as error:
        raise ProblemError("too_slow", "Send it again, faster.") from error
    except (ClientError, HttpProcessingError, ConnectionError, web.RequestPayloadError) as error:
        raise ProblemError("bad_request", "The body ended before its end.") from error
    if len(body) > MAX_BODY:
        raise _too_large(MAX_BODY)
    return bytes(body)


def _too_large(most: int) -> ProblemError:
    return ProblemError("too_large", f"The most is {most} bytes.", {"limit": most})


def _count(vendor: str, outcome: str) -> None:
    telemetry.counter("equity_webhooks", "Vendor webhooks by outcome").add(1, {"vendor": vendor, "outcome": outcome})
