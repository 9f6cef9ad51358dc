"""Body of a webhook: read within a time limit, and parsed as JSON. Its size is no reason to refuse it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from common.web.problems import ProblemError
from common.web.request_body import receive_within
from gateway.problems import BAD_JSON, CONTENT_ENCODING
from gateway.webhooks.vendors.proofs import Proof

MAX_KEPT_BYTES = 16 << 20
"""Bytes of a body that are kept. A longer one is verified and counted to its end, but its content is not read."""


@dataclass(frozen=True, slots=True)
class WebhookBody:
    """Body of a webhook. *kept* is all of it, or its first `MAX_KEPT_BYTES`."""

    kept: bytes
    size: int
    digest: bytes
    """SHA-256 of the whole body."""

    @property
    def is_complete(self) -> bool:
        """Whether *kept* is the whole body."""
        return len(self.kept) == self.size


async def read_webhook_body(request: web.Request, timeout_seconds: float, proof: Proof) -> WebhookBody:
    """Return the body, and give each piece of it to *proof*. Raises ProblemError if it comes too slowly, is cut or compressed."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProblemError(CONTENT_ENCODING, "Send the body without compression. The signature covers the sent bytes.")
    kept, size, digest = bytearray(), 0, hashlib.sha256()
    async with receive_within(timeout_seconds):
        while piece := await request.content.readany():
            size += len(piece)
            digest.update(piece)
            proof.update(piece)
            kept += piece[: max(0, MAX_KEPT_BYTES - len(kept))]
    return WebhookBody(bytes(kept), size, digest.digest())


def parse_webhook_body(body: bytes) -> dict[str, Any] | list[Any]:
    """Return the JSON object or array in *body*. Raises ProblemError for anything else.

    JavaScript allows halves of surrogate pairs and orjson does not. They become question marks; the webhook is kept.
    """
    try:
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError:
            text = json.dumps(json.loads(body, parse_constant=_refuse_constant), ensure_ascii=False)
            message = orjson.loads(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ProblemError(BAD_JSON, "Send JSON.") from error
    if not isinstance(message, dict | list):
        raise ProblemError(BAD_JSON, "Send a JSON object or array.")
    return message


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
