"""Reception of a partner's file: receive the body, verify its signature, register it. Nothing is parsed before it is verified."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import structlog
from aiohttp import web

from common import telemetry
from common.bus import Bus, Tx
from common.events import UploadRefused
from common.ids import PartnerId, UploadId
from common.records.file_check import FileCheck
from common.web.problems import TOO_MANY_REQUESTS, ProblemError, unavailable_problem
from common.web.rate_limits import RefusalLimit, RequestRateLimit
from common.web.request_body import receive_within
from gateway.problems import CONTENT_HASH_MISMATCH
from gateway.settings import GatewaySettings
from gateway.uploads import multipart
from gateway.uploads.dry_run import DryRuns
from gateway.uploads.keys import PartnerKeys, count_signature
from gateway.uploads.registry import UploadRegistry, unsigned_problem
from gateway.uploads.request import UploadRequest, read_upload_request, upload_too_large_problem
from gateway.uploads.signature import BodyVerifier, PartnerKey
from gateway.uploads.spool import Spool

log = structlog.get_logger()

_WRITE_BLOCK_BYTES = 1 << 20
_MAX_BYTES_WRITTEN_WITHOUT_THREAD = 1 << 16
"""A file up to this size is written in the event loop: a thread costs more than the write."""
_KEY_REFUSED = "This key uploads too often. Send fewer, larger files."


class UploadReceiver:
    """Receiver of uploads."""

    def __init__(
        self, settings: GatewaySettings, bus: Bus, keys: PartnerKeys, refusals: RefusalLimit, spool: Spool
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._keys = keys
        self._refusals = refusals
        self._uploads_by_key = RequestRateLimit(settings.gateway_uploads_per_minute, _KEY_REFUSED)
        self._spool = spool
        self._registry = UploadRegistry(bus, spool)
        self._dry_runs = DryRuns(bus, self._registry)
        self._receiving = 0

    async def receive_upload(self, request: web.Request) -> tuple[UploadId, PartnerId] | FileCheck:
        """Receive the file in *request*; return the ids of its upload and partner, or for a dry run the result.

        Raises ProblemError, and stores nothing, if the file is refused.
        """
        await self._refusals.require_admitted(request)
        claimed_key_id: str | None = None
        signer: PartnerKey | None = None
        is_dry_run = False
        try:
            upload = read_upload_request(request, self._settings)
            is_dry_run = upload.is_dry_run
            claimed_key_id = upload.claim.key_id
            candidates = await self._keys.find_candidates(upload.claim)
            with self._count_receiving(), self._spool.open_incoming_file() as (path, file):
                signer = await self._receive_body(request, upload, candidates, file)
                await self._uploads_by_key.require_permitted(signer.key_id)
                if is_dry_run:
                    return await self._check_body(upload, signer, path)
                upload_id = await self._register_body(upload, signer, path)
        except ProblemError as refusal:
            count_upload(refusal.code)
            if _is_sender_fault(refusal) and not (is_dry_run and signer):
                await self._emit_refusal(request, refusal, claimed_key_id, signer)
            raise
        count_upload("accepted")
        return upload_id, signer.partner_id

    @contextmanager
    def _count_receiving(self) -> Iterator[None]:
        """Count one upload more during the block. Raises ProblemError if too many arrive at the same time."""
        if self._receiving >= self._settings.gateway_max_receiving:
            raise unavailable_problem("Too many files arrive at the moment. Try again later.")
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1

    async def _receive_body(
        self, request: web.Request, upload: UploadRequest, candidates: list[PartnerKey], file: BinaryIO
    ) -> PartnerKey:
        """Write the body to *file* and return the key that signed it. Raises ProblemError if none did."""
        verifier = BodyVerifier(upload.claim, candidates)
        self._spool.require_free_space(request.content_length or 0)
        async with receive_within(self._settings.gateway_receive_seconds):
            await self._copy_body(request, verifier, file, is_dry_run=upload.is_dry_run)
        signer = verifier.find_signer()
        count_signature(signer)
        if signer is None:
            raise unsigned_problem()
        if verifier.content_sha256 != upload.content_sha256:
            raise ProblemError(CONTENT_HASH_MISMATCH, "Hash exactly the bytes that are sent.")
        return signer

    async def _copy_body(
        self, request: web.Request, verifier: BodyVerifier, file: BinaryIO, *, is_dry_run: bool
    ) -> None:
        limit = self._settings.gateway_max_dry_run_bytes if is_dry_run else self._settings.gateway_max_upload_bytes

        def write(block: bytes) -> None:
            verifier.update(block)
            file.write(block)
            self._spool.require_free_space(0)

        size, pending = 0, bytearray()
        while piece := await asyncio.wait_for(request.content.readany(), self._settings.gateway_read_seconds):
            size += len(piece)
            if size > limit:
                raise upload_too_large_problem(limit)
            pending += piece
            if len(pending) >= _WRITE_BLOCK_BYTES:
                await asyncio.to_thread(write, bytes(pending))
                pending.clear()
        if size <= _MAX_BYTES_WRITTEN_WITHOUT_THREAD:
            write(bytes(pending))
        else:
            await asyncio.to_thread(write, bytes(pending))
        file.flush()

    async def _register_body(self, upload: UploadRequest, key: PartnerKey, path: Path) -> UploadId:
        """Register the body, or the file in it if it is multipart."""
        if upload.boundary is None:
            return await self._registry.register_file(
                path, key, upload, sha256=upload.content_sha256, filename=upload.filename
            )
        with self._spool.open_incoming_file() as (inner, file):
            filename = await asyncio.to_thread(multipart.extract_file, path, upload.boundary, file)
            sha256 = await asyncio.to_thread(multipart.hash_file, inner)
            return await self._registry.register_file(inner, key, upload, sha256=sha256, filename=filename)

    async def _check_body(self, upload: UploadRequest, key: PartnerKey, path: Path) -> FileCheck:
        """Check the body, or the file in it, and store nothing."""
        if upload.boundary is None:
            return await self._dry_runs.check_file(path, key, upload)
        with self._spool.open_incoming_file() as (inner, file):
            await asyncio.to_thread(multipart.extract_file, path, upload.boundary, file)
            return await self._dry_runs.check_file(inner, key, upload)

    async def _emit_refusal(
        self, request: web.Request, refusal: ProblemError, claimed_key_id: str | None, signer: PartnerKey | None
    ) -> None:
        """Emit the refusal as an event while its sender is within the limit (docs/adr/0005-refusals-are-events.md)."""
        if signer is None and not await self._refusals.count_refusal(request):
            return
        event = UploadRefused(
            reason=refusal.code,
            key_id=signer.key_id if signer else claimed_key_id,
            partner_id=signer.partner_id if signer else None,
        )

        async def emit(tx: Tx) -> None:
            tx.emit(event)

        with suppress(Exception):
            await self._bus.transact(emit)
        log.info("upload_refused", reason=refusal.code, key_id=event.key_id, verified=signer is not None)


def count_upload(outcome: str, times: int = 1) -> None:
    """Count an upload as `accepted`, or as refused under its problem's code."""
    telemetry.counter("equity_uploads", "Uploads by outcome").add(times, {"outcome": outcome})


def _is_sender_fault(refusal: ProblemError) -> bool:
    """Return whether the sender can correct the cause of the refusal."""
    return refusal.kind.status < 500 and refusal.kind != TOO_MANY_REQUESTS  # noqa: PLR2004 - 5xx is our fault
