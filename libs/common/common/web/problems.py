"""Refusals as problem responses (RFC 9457). The code of a problem is stable; its texts are for people.

A service declares kinds of its requests as further constants of ProblemKind (gateway/problems.py).
"""

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


BAD_REQUEST = ProblemKind("bad_request", 400, "The request cannot be read")
NOT_FOUND = ProblemKind("not_found", 404, "There is nothing here")
METHOD_NOT_ALLOWED = ProblemKind("method_not_allowed", 405, "This address does not accept that method")
TOO_SLOW = ProblemKind("too_slow", 408, "The body arrived too slowly")
TOO_LARGE = ProblemKind("too_large", 413, "The body is too large")
REFUSED_CONTENT_TYPE = ProblemKind("content_type", 415, "This type of content is not accepted")
TOO_MANY_REQUESTS = ProblemKind("too_many_requests", 429, "Too many requests")
INTERNAL = ProblemKind("internal", 500, "The server failed")
UNAVAILABLE = ProblemKind("unavailable", 503, "The server is temporarily unavailable")

GENERAL_PROBLEM_KINDS = (
    BAD_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_SLOW, TOO_LARGE, REFUSED_CONTENT_TYPE, TOO_MANY_REQUESTS, INTERNAL,
    UNAVAILABLE,
)  # fmt: skip
"""Kinds that any service may respond with."""


@dataclass(eq=False)
class ProblemError(Exception):
    """A refusal. *detail* tells the sender what to do; *extra* holds further members of the response."""

    kind: ProblemKind
    detail: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    @property
    def code(self) -> str:
        """The stable code of the kind."""
        return self.kind.code

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


def unavailable_problem(detail: str, *, retry_after: int = 5, kind: ProblemKind = UNAVAILABLE) -> ProblemError:
    """Return a temporary refusal: the sender may try again after *retry_after* seconds."""
    return ProblemError(kind, detail, headers={"Retry-After": str(retry_after)})


def too_many_requests_problem(detail: str, retry_after: int) -> ProblemError:
    """Return the refusal of a sender that exceeds a rate limit."""
    return ProblemError(TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(max(1, retry_after))})


_KIND_BY_STATUS = {kind.status: kind for kind in (NOT_FOUND, METHOD_NOT_ALLOWED, TOO_LARGE, REFUSED_CONTENT_TYPE)}


def problem_from_http_error(error: web.HTTPException) -> ProblemError:
    """Return the problem for an exception of the web framework."""
    fallback = BAD_REQUEST if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else INTERNAL
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ProblemError(_KIND_BY_STATUS.get(error.status, fallback), headers=headers)
