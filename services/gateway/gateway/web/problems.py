"""Refusals as problem responses (RFC 9457). The code of a problem is stable; its texts are for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:equity-connect:problem:"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem: its code, HTTP status and title."""

    code: str
    status: int
    title: str


def _by_code(*kinds: ProblemKind) -> dict[str, ProblemKind]:
    return {kind.code: kind for kind in kinds}


PROBLEM_KINDS: Mapping[str, ProblemKind] = _by_code(
    ProblemKind("missing_header", 400, "A header is missing"),
    ProblemKind("bad_header", 400, "A header cannot be read"),
    ProblemKind("stale_timestamp", 400, "The timestamp is not within five minutes of now"),
    ProblemKind("content_hash_mismatch", 400, "The body is not what X-Content-SHA256 says"),
    ProblemKind("bad_request", 400, "The request cannot be read"),
    ProblemKind("bad_multipart", 400, "The multipart body cannot be read"),
    ProblemKind("bad_json", 400, "The body is not JSON"),
    ProblemKind("stale_webhook", 400, "The webhook is too old"),
    ProblemKind("bad_signature", 401, "The signature does not match"),
    ProblemKind("scheme_refused", 401, "This kind of signature is not accepted here"),
    ProblemKind("broker_not_permitted", 403, "This key may not assign leads to that broker"),
    ProblemKind("not_found", 404, "There is nothing here"),
    ProblemKind("method_not_allowed", 405, "This address does not accept that method"),
    ProblemKind("too_slow", 408, "The body arrived too slowly"),
    ProblemKind("already_uploaded", 409, "This file was uploaded before"),
    ProblemKind("too_large", 413, "The body is too large"),
    ProblemKind("content_encoding", 415, "Compressed bodies are not accepted"),
    ProblemKind("content_type", 415, "This type of content is not accepted"),
    ProblemKind("not_csv", 415, "The file is not CSV text"),
    ProblemKind("empty_file", 422, "The file has no rows"),
    ProblemKind("missing_columns", 422, "The file lacks columns that every lead needs"),
    ProblemKind("bad_columns", 422, "The file's header row cannot be used"),
    ProblemKind("bad_text", 422, "The file's text cannot be read"),
    ProblemKind("too_many_requests", 429, "Too many requests"),
    ProblemKind("internal", 500, "The gateway failed"),
    ProblemKind("unavailable", 503, "The gateway is temporarily unavailable"),
    ProblemKind("no_space", 503, "There is no space for this file right now"),
)


@dataclass(eq=False)
class ProblemError(Exception):
    """A refusal. *detail* tells the sender what to do; *extra* holds further members of the response."""

    code: str
    detail: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    @property
    def kind(self) -> ProblemKind:
        """The catalogue's entry for this code."""
        return PROBLEM_KINDS[self.code]

    def to_response(self) -> web.Response:
        """Return the problem response."""
        kind = self.kind
        body = {"type": TYPE_PREFIX + kind.code, "title": kind.title, "status": kind.status, "code": kind.code}
        if self.detail:
            body["detail"] = self.detail
        return web.Response(
            status=kind.status,
            body=orjson.dumps(body | dict(self.extra)),
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def unavailable_problem(detail: str, *, retry_after: int = 5, code: str = "unavailable") -> ProblemError:
    """Return a temporary refusal: the sender may try again after *retry_after* seconds."""
    return ProblemError(code, detail, headers={"Retry-After": str(retry_after)})


def too_many_requests_problem(detail: str, retry_after: int) -> ProblemError:
    """Return the refusal of a sender that exceeds a rate limit."""
    return ProblemError("too_many_requests", detail, headers={"Retry-After": str(max(1, retry_after))})


_CODE_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "content_type"}


def problem_from_http_error(error: web.HTTPException) -> ProblemError:
    """Return the problem for an exception of the web framework."""
    code = _CODE_BY_STATUS.get(error.status)
    if code is None:
        code = "bad_request" if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ProblemError(code, headers=headers)
