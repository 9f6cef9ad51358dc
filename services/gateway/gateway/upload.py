"""Taking a partner's file: receive, verify, look at it, claim it. Nothing is parsed before its signature holds."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import structlog
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from common import ids, telemetry
from common.bus import Bus, Tx
from common.csv_shape import Shape
from common.database import load_queries
from common.events import UploadReceived, UploadRefused
from gateway import multipart, sniff
from gateway.keys import Keys, count_verdict
from gateway.limits import Limits
from gateway.problems import ProblemError, unavailable
from gateway.settings import GatewaySettings
from gateway.signature import BodyCheck, Claim, Key, Scheme, content_sha256
from gateway.spool import Spool

log = structlog.get_logger()
queries = load_queries(__file__)

CONTENT_TYPES = frozenset({
    "text/csv", "application/csv", "text/plain", "text/tab-separated-values",
    "application/octet-stream",  # also what a request without a type counts as
    "application/vnd.ms-excel",  # what browsers on Windows call a .csv
})  # fmt: skip
MULTIPART = "multipart/form-data"
RESUMABLE = frozenset({"needs_resend", "failed"})
_UNSIGNED = ("bad_signature", "No active key signed this body: check the key's id, secret and scheme.")
_BLOCK = 1 << 20
_SMALL = 1 << 16


@dataclass(frozen=True, slots=True)
class Form:
    """What a request's headers say about the upload, read and checked."""

    claim: Claim
    content_sha256: bytes
    boundary: bytes | None
    """Of a multipart body; None: the body is the file."""
    filename: str | None
    broker_id: UUID | None


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A verified file that is about to be claimed."""

    id: UUID
    key: Key
    sha256: bytes
    size: int
    filename: str | None
    broker_id: UUID | None
    shape: Shape


class Uploads:
    """Takes uploads."""

    def __init__(self, settings: GatewaySettings, bus: Bus, keys: Keys, limits: Limits, spool: Spool) -> None:
        self._settings = settings
        self._bus = bus
        self._keys = keys
        self._limits = limits
        self._spool = spool
        self._receiving = 0

    async def take(self, request: web.Request) -> tuple[UUID, UUID]:
        """Take the file in *request*; the ids of its upload and partner. Raises ProblemError and keeps nothing."""
        await self._limits.admit(request)
        claimed: str | None = None
        signer: Key | None = None
        try:
            form = self._form(request)
            claimed = form.claim.key_id
            candidates = await self._keys.candidates(form.claim)
            with self._place(), self._spool.arriving() as (path, file):
                signer = await self._receive(request, form, candidates, file)
                await self._limits.count_upload(signer.key_id)
                upload_id = await self._accept(form, signer, path)
        except ProblemError as refusal:
            count_upload(refusal.code)
            if refusal.kind.status < 500 and refusal.code != "too_many_requests":  # noqa: PLR2004 - what the sender can mend
                await self._note(request, refusal, claimed, signer)
            raise
        count_upload("accepted")
        return upload_id, signer.partner_id

    def _form(self, request: web.Request) -> Form:
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ProblemError("content_encoding", "Send the file as it is; the signature covers those bytes.")
        if request.content_type != MULTIPART and request.content_type not in CONTENT_TYPES:
            raise ProblemError("content_type", "Send the file as text/csv, or in a multipart/form-data body.")
        if (request.content_length or 0) > self._settings.gateway_max_upload_bytes:
            raise self._too_large()
        claim = Claim.read(request.headers, datetime.now(UTC))
        if self._settings.gateway_require_v2 and claim.scheme is not Scheme.V2:
            raise ProblemError("scheme_refused", "Sign with `v2=` over `<timestamp>.<body>`, by a key of that scheme.")
        return Form(
            claim=claim,
            content_sha256=content_sha256(request.headers),
            boundary=_boundary(request),
            filename=_disposition_filename(request.headers.get("Content-Disposition")),
            broker_id=_broker_id(request),
        )

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._receiving >= self._settings.gateway_max_receiving:
            raise unavailable("Too many files are arriving: try again in a moment.")
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1

    async def _receive(self, request: web.Request, form: Form, candidates: list[Key], file: BinaryIO) -> Key:
        """Write the body to *file* and say whose key signed it. Raises ProblemError when none did."""
        check = BodyCheck(form.claim, candidates)
        self._spool.require_room(request.content_length or 0)
        try:
            async with asyncio.timeout(self._settings.gateway_receive_seconds):
                await self._copy(request, check, file)
        except TimeoutError as error:
            raise ProblemError("too_slow", "Send it again, faster.") from error
        except (ClientError, HttpProcessingError, ConnectionError, web.RequestPayloadError) as error:
            raise ProblemError("bad_request", "The body ended before its end.") from error
        signer = check.signer()
        count_verdict(signer)
        if signer is None:
            raise ProblemError(*_UNSIGNED)
        if check.content_sha256 != form.content_sha256:
            raise ProblemError("content_hash_mismatch", "Hash the very bytes that are sent.")
        return signer

    async def _copy(self, request: web.Request, check: BodyCheck, file: BinaryIO) -> None:
        def write(block: bytes) -> None:
            check.update(block)
            file.write(block)
            self._spool.require_room(0)

        size, pending = 0, bytearray()
        while piece := await asyncio.wait_for(request.content.readany(), self._settings.gateway_read_seconds):
            size += len(piece)
            if size > self._settings.gateway_max_upload_bytes:
                raise self._too_large()
            pending += piece
            if len(pending) >= _BLOCK:
                await asyncio.to_thread(write, bytes(pending))
                pending.clear()
        if size <= _SMALL:
            write(bytes(pending))
        else:
            await asyncio.to_thread(write, bytes(pending))
        file.flush()

    async def _accept(self, form: Form, key: Key, path: Path) -> UUID:
        if form.boundary is None:
            return await self._enter(form, key, path, form.content_sha256, form.filename)
        with self._spool.arriving() as (inner, file):
            filename = await asyncio.to_thread(multipart.extract, path, form.boundary, file)
            return await self._enter(form, key, inner, await asyncio.to_thread(multipart.sha256_of, inner), filename)

    async def _enter(self, form: Form, key: Key, path: Path, sha256: bytes, filename: str | None) -> UUID:
        """Look at the file, keep it and claim it."""
        new = NewUpload(
            id=ids.new_id(),
            key=key,
            sha256=sha256,
            size=(await asyncio.to_thread(path.stat)).st_size,
            filename=_plain(filename),
            broker_id=await self._broker(form.broker_id, key),
            shape=await asyncio.to_thread(sniff.inspect, path),
        )
        await asyncio.to_thread(self._spool.keep, path, new.id)
        try:
            return await self._bus.transact(lambda tx: self._claim(tx, new))
        except ProblemError:
            self._spool.remove(new.id)
            raise

    async def _broker(self, asked: UUID | None, key: Key) -> UUID | None:
        if asked is None:
            return key.default_broker_id
        permitted = key.broker_ids is None or asked in key.broker_ids
        async with self._bus.database.connection() as connection:
            if not permitted or not await queries.broker_is_active(connection, broker_id=asked):
                raise ProblemError("broker_not_permitted", "Name a broker that this key's partner may assign leads to.")
        return asked

    async def _claim(self, tx: Tx, new: NewUpload) -> UUID:
        """Enter the upload, once for the same bytes of a partner in seven days. Raises ProblemError for a repeat."""
        connection, key = tx.connection, new.key
        if not await queries.key_is_active(connection, key_id=key.key_id):
            raise ProblemError(*_UNSIGNED)
        await queries.touch_key(connection, key_id=key.key_id)
        content = {"partner_id": key.partner_id, "sha256": new.sha256}
        if not await queries.claim_content(connection, **content, upload_id=new.id):
            return await self._repeat(tx, new, await queries.earlier_upload(connection, **content))
        await queries.add_upload(
            connection,
            **content,
            id=new.id,
            key_id=key.key_id,
            size=new.size,
            filename=new.filename,
            broker_id=new.broker_id,
            columns=new.shape.columns,
            encoding=new.shape.encoding,
            delimiter=new.shape.delimiter,
            spool_host=self._spool.disk,
        )
        received = UploadReceived(
            upload_id=new.id, partner_id=key.partner_id, key_id=key.key_id, size=new.size, broker_id=new.broker_id
        )
        tx.emit(received, correlation_id=new.id)
        return new.id

    async def _repeat(self, tx: Tx, new: NewUpload, earlier: dict[str, object]) -> UUID:
        """Go on with the earlier upload if it asked for its file again; its row is locked, so one of two does."""
        upload_id = UUID(str(earlier["id"]))
        if earlier["state"] not in RESUMABLE:
            raise ProblemError(
                "already_uploaded", f"It is upload {upload_id}; its report is there.", {"upload_id": str(upload_id)}
            )
        self._spool.rename(new.id, upload_id)  # before the commit: whoever sees the row finds the file
        await queries.continue_upload(tx.connection, id=upload_id, spool_host=self._spool.disk)
        return upload_id

    async def _note(self, request: web.Request, refusal: ProblemError, claimed: str | None, signer: Key | None) -> None:
        """Write the refusal down as an event, as long as its sender is within limits (docs/adr/0005)."""
        if signer is None and not await self._limits.count_failure(request):
            return
        event = UploadRefused(
            reason=refusal.code,
            key_id=signer.key_id if signer else claimed,
            partner_id=signer.partner_id if signer else None,
        )

        async def write(tx: Tx) -> None:
            tx.emit(event)

        with suppress(Exception):
            await self._bus.transact(write)
        log.info("upload_refused", reason=refusal.code, key_id=event.key_id, verified=signer is not None)

    def _too_large(self) -> ProblemError:
        most = self._settings.gateway_max_upload_bytes
        return ProblemError("too_large", f"The most is {most} bytes: split the file.", {"limit": most})


def count_upload(outcome: str, times: int = 1) -> None:
    """Count an upload as accepted, or as refused and why."""
    telemetry.counter("equity_uploads", "Uploads by outcome").add(times, {"outcome": outcome})


def _boundary(request: web.Request) -> bytes | None:
    is_multipart = request.content_type == MULTIPART
    return multipart.boundary_of(request.headers["Content-Type"]) if is_multipart else None


def _broker_id(request: web.Request) -> UUID | None:
    """The broker that the sender asks for, in X-Broker-Id or the query. Raises ProblemError for what is no id."""
    asked = request.headers.get("X-Broker-Id") or request.query.get("broker_id")
    if not asked:
        return None
    try:
        return UUID(asked)
    except ValueError as error:
        raise ProblemError("bad_header", "A broker's id is a UUID.") from error


def _disposition_filename(header: str | None) -> str | None:
    if header is None:
        return None
    message = Message()
    message["Content-Disposition"] = re.sub(r"[\r\n]", " ", header)
    return message.get_filename()


def _plain(filename: str | None) -> str | None:
    """A file's name without its path and without anything that is not printable, to be shown only."""
    if filename is None:
        return None
    name = "".join(char for char in re.split(r"[/\\]", filename)[-1] if char.isprintable())
    return name.encode("utf-8", "replace").decode()[:200] or None
