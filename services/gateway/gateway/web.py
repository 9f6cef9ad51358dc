"""The gateway's addresses: each with what it does and how OpenAPI tells it, in one table at the end."""

from datetime import UTC, datetime
from uuid import UUID

import structlog
from aiohttp import HttpVersion11, web
from pydantic import BaseModel

from common.bus.failures import Kind, classify, code_of
from gateway.keys import Keys, count_verdict
from gateway.limits import Limits
from gateway.observe import Handler, count_refusal, observe, route_of
from gateway.openapi import Operation, document
from gateway.problems import KINDS, ProblemError, of_http, unavailable
from gateway.publish import Publisher
from gateway.report import Reports, UploadReport
from gateway.signature import Claim, Key, Scheme, reader
from gateway.upload import Uploads, count_upload
from gateway.webhooks import Webhooks

log = structlog.get_logger()

_WAITING = {Kind.OURS_DOWN, Kind.REPEAT, Kind.OUR_MISTAKE}


class CutShortError(ConnectionResetError):
    """An answer broke off in the middle: the connection is closed, so that it does not look complete."""


class Routes:
    """Answers requests."""

    def __init__(
        self, uploads: Uploads, publisher: Publisher, reports: Reports, webhooks: Webhooks, keys: Keys, limits: Limits
    ) -> None:
        self._uploads = uploads
        self._publisher = publisher
        self._reports = reports
        self._webhooks = webhooks
        self._keys = keys
        self._limits = limits
        self._document = document(OPERATIONS)

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(middlewares=[observe, answer_problems], handler_args={"auto_decompress": False})
        for operation in OPERATIONS:
            handler = getattr(self, operation.name)
            app.router.add_route(operation.method, operation.path, handler, expect_handler=ask_for_body)
        app.on_response_prepare.append(_say_little)
        app.on_startup.append(_count_nothing)
        return app

    async def take_upload(self, request: web.Request) -> web.Response:
        """Take a signed CSV file."""
        upload_id, partner_id = await self._uploads.take(request)
        self._publisher.wake()
        report = await self._reports.report(upload_id, partner_id)
        return _json(report, status=202, headers={"Location": f"/v1/uploads/{upload_id}"})

    async def show_upload(self, request: web.Request) -> web.Response:
        """Report what became of an upload."""
        key = await self._reader(request)
        return _json(await self._reports.report(_upload_id(request), key.partner_id))

    async def show_rejects(self, request: web.Request) -> web.StreamResponse:
        """Stream an upload's rejected rows as CSV."""
        key = await self._reader(request)
        upload_id = _upload_id(request)
        pieces = await self._reports.rejects(upload_id, key.partner_id)
        disposition = f'attachment; filename="rejects-{upload_id}.csv"'
        response = web.StreamResponse(
            headers={"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": disposition}
        )
        try:
            first = await anext(pieces)
            await response.prepare(request)
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
        except Exception as error:
            if not response.prepared:
                raise
            log.warning("rejects_cut_short", upload_id=str(upload_id), error=code_of(error))
            raise CutShortError from error
        await response.write_eof()
        return response

    async def show_unread(self, request: web.Request) -> web.Response:
        """Say as CSV what of an upload was not read."""
        key = await self._reader(request)
        upload_id = _upload_id(request)
        body = await self._reports.unread(upload_id, key.partner_id)
        disposition = f'attachment; filename="unread-{upload_id}.csv"'
        return web.Response(
            body=body, headers={"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": disposition}
        )

    async def take_webhook(self, request: web.Request) -> web.Response:
        """Take a vendor's webhook."""
        outcome = await self._webhooks.take(request.match_info["vendor"], request)
        return web.json_response({"status": "duplicate" if outcome == "duplicate" else "received"})

    async def show_openapi(self, _request: web.Request) -> web.Response:
        """Describe these addresses."""
        return web.json_response(self._document)

    async def _reader(self, request: web.Request) -> Key:
        """The key that signed this reading. Raises ProblemError."""
        await self._limits.admit(request)
        try:
            return await self._verified_reader(request)
        except ProblemError:
            await self._limits.count_failure(request)
            raise

    async def _verified_reader(self, request: web.Request) -> Key:
        claim = Claim.read(request.headers, datetime.now(UTC))
        if claim.scheme is not Scheme.V2:
            raise ProblemError("bad_header", "Reading is signed with `v2=` over `<timestamp>.GET <path>`.")
        key = reader(claim, request.rel_url.raw_path, await self._keys.candidates(claim))
        count_verdict(key)
        if key is None:
            raise ProblemError("bad_signature", "No active key signed this path at this time.")
        return key


async def ask_for_body(request: web.Request) -> None:
    """Tell a sender that waits to be asked for its body to go on; any other expectation means nothing to us."""
    if request.version >= HttpVersion11 and request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell every refusal as RFC 9457 has it, and count it; say nothing of what is inside."""
    try:
        return await handler(request)
    except ProblemError as problem:
        count_refusal(problem.code)
        return problem.response()
    except web.HTTPException as error:
        refused = of_http(error)
        count_refusal(refused.code)
        return refused.response()
    except CutShortError:
        raise
    except Exception as error:
        kind = classify(error)
        if kind in _WAITING:
            tell = log.error if kind is Kind.OUR_MISTAKE else log.warning
            tell("request_cannot_be_served", path=route_of(request), error=code_of(error), kind=kind)
            return unavailable("Try again in a moment.").response()
        log.exception("request_failed", path=route_of(request), error=code_of(error))
        return ProblemError("internal", "It is in our log.").response()


async def _say_little(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update({"Server": "equity", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"})


async def _count_nothing(_app: web.Application) -> None:
    """Let what alerts watch begin at zero, so that the first is seen to be more."""
    count_verdict(None, times=0)
    for reason in KINDS:
        count_refusal(reason, times=0)
    for outcome in ("accepted", "already_uploaded"):
        count_upload(outcome, times=0)


def _upload_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["upload_id"])
    except ValueError as error:
        raise ProblemError("not_found", "There is no upload of this id, or it is not yours.") from error


def _json(model: BaseModel, **options: object) -> web.Response:
    return web.Response(body=model.model_dump_json().encode(), content_type="application/json", **options)  # type: ignore[arg-type]


OPERATIONS = (
    Operation(
        "post", "/v1/uploads", "take_upload", "Upload a signed CSV file of property records",
        success=(202, UploadReport), signed="upload", body="csv",
        problems=(
            "missing_header", "bad_header", "stale_timestamp", "content_hash_mismatch", "bad_request", "bad_multipart",
            "bad_signature", "scheme_refused", "broker_not_permitted", "too_slow", "already_uploaded", "too_large",
            "content_encoding", "content_type", "not_csv", "empty_file", "missing_columns", "bad_columns", "bad_text",
            "too_many_requests", "no_space",
        ),
    ),
    Operation(
        "get", "/v1/uploads/{upload_id}", "show_upload", "Report what became of an upload",
        success=(200, UploadReport), signed="read",
        problems=("missing_header", "bad_header", "stale_timestamp", "bad_signature", "not_found", "too_many_requests"),
    ),
    Operation(
        "get", "/v1/uploads/{upload_id}/rejects.csv", "show_rejects", "The rejected rows as CSV, to be corrected",
        success=(200, None), signed="read",
        problems=("missing_header", "bad_header", "stale_timestamp", "bad_signature", "not_found", "too_many_requests"),
    ),
    Operation(
        "get", "/v1/uploads/{upload_id}/unread.csv", "show_unread", "Ignored columns and values that could not be read",
        success=(200, None), signed="read",
        problems=("missing_header", "bad_header", "stale_timestamp", "bad_signature", "not_found", "too_many_requests"),
    ),
    Operation(
        "post", "/v1/webhooks/{vendor}", "take_webhook", "A vendor's webhook", success=(200, None), body="webhook",
        problems=(
            "bad_request", "bad_json", "stale_webhook", "bad_signature", "not_found", "too_slow", "too_large",
            "content_encoding", "too_many_requests",
        ),
    ),
    Operation("get", "/openapi.json", "show_openapi", "This document", success=(200, None)),
)  # fmt: skip
