"""Headers of an upload request, read and checked before the body is received."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from uuid import UUID

from aiohttp import web

from common.ids import BrokerId
from common.web.problems import REFUSED_CONTENT_TYPE, TOO_LARGE, ProblemError
from gateway.problems import BAD_HEADER, CONTENT_ENCODING, SCHEME_REFUSED
from gateway.settings import GatewaySettings
from gateway.uploads import multipart
from gateway.uploads.column_choice import ColumnChoice
from gateway.uploads.signature import SignatureClaim, SignatureScheme, read_content_sha256

CONTENT_TYPES = frozenset({
    "text/csv", "application/csv", "text/plain", "text/tab-separated-values",
    "application/octet-stream",  # also aiohttp's value for a request without a type
    "application/vnd.ms-excel",  # the type that browsers on Windows send for a .csv
})  # fmt: skip
MULTIPART = "multipart/form-data"
_MAX_FILENAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """Checked headers of an upload request."""

    claim: SignatureClaim
    content_sha256: bytes
    boundary: bytes | None
    """Boundary of a multipart body. None: the body is the file."""
    filename: str | None
    broker_id: BrokerId | None
    columns: ColumnChoice
    is_dry_run: bool
    """True: the file is checked, and nothing is stored."""


def read_upload_request(request: web.Request, settings: GatewaySettings) -> UploadRequest:
    """Return the request's headers. Raises ProblemError if one is missing, unreadable or not accepted."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProblemError(CONTENT_ENCODING, "Send the file without compression. The signature covers the sent bytes.")
    if request.content_type != MULTIPART and request.content_type not in CONTENT_TYPES:
        raise ProblemError(REFUSED_CONTENT_TYPE, "Send the file as text/csv, or in a multipart/form-data body.")
    if (request.content_length or 0) > settings.gateway_max_upload_bytes:
        raise upload_too_large_problem(settings.gateway_max_upload_bytes)
    claim = SignatureClaim.from_headers(request.headers, datetime.now(UTC))
    if settings.gateway_require_v2 and claim.scheme is not SignatureScheme.V2:
        raise ProblemError(SCHEME_REFUSED, "Sign with `v2=` over `<timestamp>.<body>`, with a key of that scheme.")
    return UploadRequest(
        claim=claim,
        content_sha256=read_content_sha256(request.headers),
        boundary=_read_boundary(request),
        filename=_read_disposition_filename(request.headers.get("Content-Disposition")),
        broker_id=_read_broker_id(request),
        columns=ColumnChoice.from_query(request.query),
        is_dry_run=_read_dry_run(request),
    )


def _read_dry_run(request: web.Request) -> bool:
    """Return whether the request asks for a dry run. Raises ProblemError for any other word than `true` and `false`."""
    text = request.query.get("dry_run", "false").lower()
    if text not in ("true", "false"):
        raise ProblemError(BAD_HEADER, "Write dry_run=true to check a file, or leave it out.")
    return text == "true"


def upload_too_large_problem(limit: int) -> ProblemError:
    """Return the refusal of a body of more than *limit* bytes."""
    return ProblemError(TOO_LARGE, f"The limit is {limit} bytes. Split the file.", {"limit": limit})


def clean_filename(filename: str | None) -> str | None:
    """Return a file's name without its path and without unprintable characters. It is for display only."""
    if filename is None:
        return None
    name = "".join(char for char in re.split(r"[/\\]", filename)[-1] if char.isprintable())
    return name.encode("utf-8", "replace").decode()[:_MAX_FILENAME_CHARS] or None


def _read_boundary(request: web.Request) -> bytes | None:
    is_multipart = request.content_type == MULTIPART
    return multipart.read_boundary(request.headers["Content-Type"]) if is_multipart else None


def _read_broker_id(request: web.Request) -> BrokerId | None:
    """Return the broker named in X-Broker-Id or in the query. Raises ProblemError if it is no UUID."""
    text = request.headers.get("X-Broker-Id") or request.query.get("broker_id")
    if not text:
        return None
    try:
        return BrokerId(UUID(text))
    except ValueError as error:
        raise ProblemError(BAD_HEADER, "A broker's id is a UUID.") from error


def _read_disposition_filename(header: str | None) -> str | None:
    if header is None:
        return None
    message = Message()
    message["Content-Disposition"] = re.sub(r"[\r\n]", " ", header)
    return message.get_filename()
