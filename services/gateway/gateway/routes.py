"""HTTP routes of the gateway. The table at the end has the address, the handler and the OpenAPI description of each."""

from datetime import UTC, datetime
from uuid import UUID

import structlog
from aiohttp import web
from pydantic import BaseModel

from common.bus.failures import error_code
from common.ids import UploadId
from common.records.file_check import FileCheck
from common.web.application import build_application
from common.web.problem_responses import IncompleteResponseError
from common.web.problems import NOT_FOUND, ProblemError
from common.web.rate_limits import RefusalLimit
from gateway.openapi import ApiOperation, QueryParameter, build_openapi_document
from gateway.problems import BAD_HEADER, BAD_SIGNATURE, PROBLEM_KINDS
from gateway.reports.report import UploadReport, UploadReports
from gateway.uploads.keys import PartnerKeys, count_signature
from gateway.uploads.publisher import UploadPublisher
from gateway.uploads.receiver import UploadReceiver, count_upload
from gateway.uploads.signature import PartnerKey, SignatureClaim, SignatureScheme, find_read_signer
from gateway.webhooks.receiver import WebhookReceiver

log = structlog.get_logger()


class GatewayRoutes:
    """Handlers of the gateway's requests."""

    def __init__(
        self,
        uploads: UploadReceiver,
        publisher: UploadPublisher,
        reports: UploadReports,
        webhooks: WebhookReceiver,
        keys: PartnerKeys,
        refusals: RefusalLimit,
    ) -> None:
        self._uploads = uploads
        self._publisher = publisher
        self._reports = reports
        self._webhooks = webhooks
        self._keys = keys
        self._refusals = refusals
        self._openapi = build_openapi_document(OPERATIONS)

    def build_application(self) -> web.Application:
        """Return the web application."""
        routes = ((operation.method, operation.path, getattr(self, operation.name)) for operation in OPERATIONS)
        app = build_application(routes, PROBLEM_KINDS.values())
        app.on_startup.append(_initialise_counters)
        return app

    async def receive_upload(self, request: web.Request) -> web.Response:
        """Receive a signed CSV file, or check it in a dry run."""
        received = await self._uploads.receive_upload(request)
        if isinstance(received, FileCheck):
            return _json_response(received)
        upload_id, partner_id = received
        self._publisher.wake()
        report = await self._reports.read_report(upload_id, partner_id)
        return _json_response(report, status=202, headers={"Location": f"/v1/uploads/{upload_id}"})

    async def show_upload(self, request: web.Request) -> web.Response:
        """Return the report of an upload."""
        key = await self._verify_reader(request)
        return _json_response(await self._reports.read_report(_read_upload_id(request), key.partner_id))

    async def show_rejects(self, request: web.Request) -> web.StreamResponse:
        """Stream an upload's rejected rows as CSV."""
        key = await self._verify_reader(request)
        upload_id = _read_upload_id(request)
        parts = await self._reports.stream_rejects_csv(upload_id, key.partner_id)
        response = web.StreamResponse(headers=_csv_headers(f"rejects-{upload_id}.csv"))
        try:
            first = await anext(parts)
            await response.prepare(request)
            await response.write(first)
            async for part in parts:
                await response.write(part)
        except Exception as error:
            if not response.prepared:
                raise
            log.warning("rejects_response_aborted", upload_id=str(upload_id), error=error_code(error))
            raise IncompleteResponseError from error
        await response.write_eof()
        return response

    async def show_unread(self, request: web.Request) -> web.Response:
        """Return an upload's ignored columns and unreadable values as CSV."""
        key = await self._verify_reader(request)
        upload_id = _read_upload_id(request)
        body = await self._reports.build_unread_csv(upload_id, key.partner_id)
        return web.Response(body=body, headers=_csv_headers(f"unread-{upload_id}.csv"))

    async def receive_webhook(self, request: web.Request) -> web.Response:
        """Receive a vendor's webhook."""
        outcome = await self._webhooks.receive_webhook(request.match_info["vendor"], request)
        return web.json_response({"status": "duplicate" if outcome == "duplicate" else "received"})

    async def show_openapi(self, _request: web.Request) -> web.Response:
        """Return the OpenAPI document."""
        return web.json_response(self._openapi)

    async def _verify_reader(self, request: web.Request) -> PartnerKey:
        """Return the key that signed this read request. Raises ProblemError if none did."""
        await self._refusals.require_admitted(request)
        try:
            return await self._find_reader(request)
        except ProblemError:
            await self._refusals.count_refusal(request)
            raise

    async def _find_reader(self, request: web.Request) -> PartnerKey:
        claim = SignatureClaim.from_headers(request.headers, datetime.now(UTC))
        if claim.scheme is not SignatureScheme.V2:
            raise ProblemError(BAD_HEADER, "Reading is signed with `v2=` over `<timestamp>.GET <path>`.")
        key = find_read_signer(claim, request.rel_url.raw_path, await self._keys.find_candidates(claim))
        count_signature(key)
        if key is None:
            raise ProblemError(BAD_SIGNATURE, "No active key signed this path at this time.")
        return key


async def _initialise_counters(_app: web.Application) -> None:
    """Start the counters that alerts watch at zero. Prometheus then sees the first event as an increase."""
    count_signature(None, times=0)
    for outcome in ("accepted", "already_uploaded"):
        count_upload(outcome, times=0)


def _read_upload_id(request: web.Request) -> UploadId:
    try:
        return UploadId(UUID(request.match_info["upload_id"]))
    except ValueError as error:
        raise ProblemError(NOT_FOUND, "There is no upload of this id, or it is not yours.") from error


def _csv_headers(filename: str) -> dict[str, str]:
    disposition = f'attachment; filename="{filename}"'
    return {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": disposition}


def _json_response(model: BaseModel, **options: object) -> web.Response:
    body = model.model_dump_json().encode()
    return web.Response(body=body, content_type="application/json", **options)  # type: ignore[arg-type]


OPERATIONS = (
    ApiOperation(
        "post", "/v1/uploads", "receive_upload", "Upload a signed CSV file of property records",
        success=(202, UploadReport), other_success=(200, FileCheck), signed="upload", body="csv",
        query=(
            QueryParameter("dry_run", "True: check the file, at most 10 MB, and store nothing.", type="boolean"),
            QueryParameter("profile", "Profile by which the columns are read; default: the partner's, or recognised."),
            QueryParameter("map", "COLUMN=ACCEPTED HEADER, or COLUMN=ignore.", is_repeatable=True),
            QueryParameter("save_profile", "Name under which the mapping is saved for the partner's later uploads."),
        ),
        problems=(
            "missing_header", "bad_header", "timestamp_out_of_range", "content_hash_mismatch", "bad_request", "bad_multipart",
            "bad_signature", "scheme_refused", "broker_not_permitted", "too_slow", "already_uploaded", "too_large",
            "content_encoding", "content_type", "not_csv", "empty_file", "missing_columns", "bad_columns",
            "bad_profile", "bad_text", "too_many_requests", "no_space",
        ),
    ),
    ApiOperation(
        "get", "/v1/uploads/{upload_id}", "show_upload", "The report of an upload",
        success=(200, UploadReport), signed="read",
        problems=("missing_header", "bad_header", "timestamp_out_of_range", "bad_signature", "not_found", "too_many_requests"),
    ),
    ApiOperation(
        "get", "/v1/uploads/{upload_id}/rejects.csv", "show_rejects", "The rejected rows as CSV, to be corrected",
        success=(200, None), signed="read",
        problems=("missing_header", "bad_header", "timestamp_out_of_range", "bad_signature", "not_found", "too_many_requests"),
    ),
    ApiOperation(
        "get", "/v1/uploads/{upload_id}/unread.csv", "show_unread", "Ignored columns and values that could not be read",
        success=(200, None), signed="read",
        problems=("missing_header", "bad_header", "timestamp_out_of_range", "bad_signature", "not_found", "too_many_requests"),
    ),
    ApiOperation(
        "post", "/v1/webhooks/{vendor}", "receive_webhook", "A vendor's webhook", success=(200, None), body="webhook",
        problems=(
            "bad_request", "bad_json", "expired_webhook", "bad_signature", "not_found", "too_slow",
            "content_encoding", "too_many_requests",
        ),
    ),
    ApiOperation("get", "/openapi.json", "show_openapi", "This document", success=(200, None)),
)  # fmt: skip
