"""Every refusal of the gateway, as RFC 9457 tells it. A problem's code is stable; its words are for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:equity-connect:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its code, HTTP status and title."""

    code: str
    status: int
    title: str


def _catalogue(*kinds: Kind) -> dict[str, Kind]:
    return {kind.code: kind for kind in kinds}


KINDS: Mapping[str, Kind] = _catalogue(
    Kind("missing_header", 400, "A header is missing"),
    Kind("bad_header", 400, "A header cannot be read"),
    Kind("stale_timestamp", 400, "The timestamp is not within five minutes of now"),
    Kind("content_hash_mismatch", 400, "The body is not what X-Content-SHA256 says"),
    Kind("bad_request", 400, "The request cannot be read"),
    Kind("bad_multipart", 400, "The multipart body cannot be read"),
    Kind("bad_json", 400, "The body is not JSON"),
    Kind("stale_webhook", 400, "The webhook is older than we remember"),
    Kind("bad_signature", 401, "The signature does not match"),
    Kind("scheme_refused", 401, "This kind of signature is not accepted here"),
    Kind("broker_not_permitted", 403, "This key may not assign leads to that broker"),
    Kind("not_found", 404, "There is nothing here"),
    Kind("method_not_allowed", 405, "This address does not take that method"),
    Kind("too_slow", 408, "The body came too slowly"),
    Kind("already_uploaded", 409, "This file was uploaded before"),
    Kind("too_large", 413, "The body is too large"),
    Kind("content_encoding", 415, "Compressed bodies are not accepted"),
    Kind("content_type", 415, "This type of content is not accepted"),
    Kind("not_csv", 415, "The file is not CSV text"),
    Kind("empty_file", 422, "The file has no rows"),
    Kind("missing_columns", 422, "The file lacks columns that every lead needs"),
    Kind("bad_columns", 422, "The file's header row cannot be used"),
    Kind("bad_text", 422, "The file's text cannot be read"),
    Kind("too_many_requests", 429, "Too many requests"),
    Kind("internal", 500, "Something went wrong here"),
    Kind("unavailable", 503, "This cannot be done right now"),
    Kind("no_space", 503, "There is no room for this file right now"),
)


@dataclass(eq=False)
class ProblemError(Exception):
    """A refusal. *detail* says what to do about it; *extra* are further members of the answer."""

    code: str
    detail: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    @property
    def kind(self) -> Kind:
        """What the catalogue says of this code."""
        return KINDS[self.code]

    def response(self) -> web.Response:
        """The answer that tells it."""
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


def unavailable(detail: str, *, retry_after: int = 5, code: str = "unavailable") -> ProblemError:
    """A refusal that will pass: try again after so many seconds."""
    return ProblemError(code, detail, headers={"Retry-After": str(retry_after)})


def too_many(detail: str, retry_after: int) -> ProblemError:
    """A refusal for asking too often."""
    return ProblemError("too_many_requests", detail, headers={"Retry-After": str(max(1, retry_after))})


_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "content_type"}


def of_http(error: web.HTTPException) -> ProblemError:
    """The problem that an exception of the web framework means."""
    code = _BY_STATUS.get(error.status)
    if code is None:
        code = "bad_request" if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ProblemError(code, headers=headers)
