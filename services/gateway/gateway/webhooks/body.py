"""Body of a webhook: read within limits of size and time, and parsed as JSON."""

import json
from typing import Any

import orjson
from aiohttp import web

from common.web.problems import TOO_LARGE, ProblemError
from common.web.request_body import receive_within
from gateway.problems import BAD_JSON, CONTENT_ENCODING

MAX_BODY_BYTES = 1 << 20


async def read_webhook_body(request: web.Request, timeout_seconds: float) -> bytes:
    """Return the body. Raises ProblemError if it is too large, comes too slowly, or is cut or compressed."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProblemError(CONTENT_ENCODING, "Send the body without compression. The signature covers the sent bytes.")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise webhook_too_large_problem(MAX_BODY_BYTES)
    body = bytearray()
    async with receive_within(timeout_seconds):
        while len(body) <= MAX_BODY_BYTES and (piece := await request.content.readany()):
            body += piece
    if len(body) > MAX_BODY_BYTES:
        raise webhook_too_large_problem(MAX_BODY_BYTES)
    return bytes(body)


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


def webhook_too_large_problem(limit: int) -> ProblemError:
    """Return the refusal of a body over *limit* bytes."""
    return ProblemError(TOO_LARGE, f"The limit is {limit} bytes.", {"limit": limit})


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
