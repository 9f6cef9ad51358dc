"""HTTP client of the gateway: it signs requests as a partner does, and turns problem documents (RFC 9457) into errors."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import aiohttp
import orjson

from cli.client.signing import SigningKey
from cli.shell.errors import CliError, CommandRefusedError, UnreachableError

_CHUNK_BYTES = 1 << 18
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)
_MAX_REPORT_REQUESTS = 5
_MAX_RETRY_AFTER_SECONDS = 30

JsonObject = dict[str, Any]


class RepeatedUploadError(CommandRefusedError):
    """The gateway has taken the same file before."""

    def __init__(self, upload_id: str | None) -> None:
        super().__init__(
            f"This file was uploaded before: it repeats upload {upload_id}."
            if upload_id
            else "This file was uploaded before.",
            f"See what became of it: equity uploads show {upload_id}" if upload_id else "",
        )
        self.upload_id = upload_id


class GatewayClient:
    """Client of the gateway at *base*, with a partner's *key*."""

    def __init__(self, base: str, key: SigningKey, session: aiohttp.ClientSession) -> None:
        self._base = base
        self._key = key
        self._session = session

    @classmethod
    @asynccontextmanager
    async def open_session(cls, base: str, key: SigningKey) -> AsyncIterator[Self]:
        """Open a client for the time of the block. Raises UnreachableError when the gateway cannot be reached inside."""
        try:
            async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
                yield cls(base, key, session)
        except (aiohttp.ClientConnectorError, TimeoutError) as error:
            raise UnreachableError(
                f"The gateway at {base} does not answer.",
                "Start it (on this machine: `./dev up`, then `./dev equity …`), or name it by --url or GATEWAY_URL.",
            ) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise UnreachableError(
                f"The connection to {base} broke.",
                "Try again. If the gateway has the upload nevertheless, it says so, and no row counts twice.",
            ) from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise CliError(f"{base} is not an address.", "It reads https://leads.example.com.") from error

    async def upload_file(
        self,
        file: Path,
        size: int,
        query: Sequence[tuple[str, str]],
        on_hashed: Callable[[int], None],
        on_sent: Callable[[int], None],
    ) -> JsonObject:
        """Sign and send *file* of *size* bytes; return the gateway's report. Raises RepeatedUploadError for a file that it has already."""
        headers = await asyncio.to_thread(self._key.sign_file, file, datetime.now(UTC), on_hashed)
        headers |= {
            "Content-Type": "text/csv",
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="{_to_header_value(file.name)}"',
        }
        async with self._session.post(
            f"{self._base}/v1/uploads", params=query, headers=headers, data=_read_chunks(file, on_sent)
        ) as response:
            return await _read_json(response)

    async def check_file(
        self, file: Path, size: int, query: Sequence[tuple[str, str]], on_sent: Callable[[int], None]
    ) -> JsonObject:
        """Sign and send *file* for a dry run; return what would become of it."""
        return await self.upload_file(file, size, [*query, ("dry_run", "true")], lambda _: None, on_sent)

    async def fetch_report(self, upload_id: UUID | str) -> JsonObject:
        """Return the report of upload *upload_id*. Waits as long as the gateway's `Retry-After` says."""
        for _ in range(_MAX_REPORT_REQUESTS):
            async with self._get(f"/v1/uploads/{upload_id}") as response:
                if response.status != HTTPStatus.TOO_MANY_REQUESTS:
                    return await _read_json(response)
                await asyncio.sleep(min(float(response.headers.get("Retry-After", "1")), _MAX_RETRY_AFTER_SECONDS))
        raise UnreachableError("The gateway has had too many requests.", "Try again in a minute.")

    async def stream_rejects(self, upload_id: UUID | str) -> AsyncIterator[bytes]:
        """Yield the rejected rows of an upload as CSV, in chunks."""
        async with self._get(f"/v1/uploads/{upload_id}/rejects.csv") as response:
            if response.status != HTTPStatus.OK:
                await _read_json(response)
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                yield chunk

    def _get(self, path: str) -> Any:
        return self._session.get(self._base + path, headers=self._key.sign_read(path, datetime.now(UTC)))


def _to_header_value(name: str) -> str:
    """Return *name* for a quoted header value: all but plain letters, digits and `.-_ ` becomes an underscore."""
    return re.sub(r"[^A-Za-z0-9._ -]", "_", name)


async def _read_chunks(file: Path, on_sent: Callable[[int], None]) -> AsyncIterator[bytes]:
    with file.open("rb") as body:
        while chunk := await asyncio.to_thread(body.read, _CHUNK_BYTES):
            yield chunk
            on_sent(len(chunk))


async def _read_json(response: aiohttp.ClientResponse) -> JsonObject:
    """Return the body of a successful response. Raises a CliError with the gateway's problem otherwise."""
    body = await response.read()
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = {}
    if not isinstance(parsed, dict):
        parsed = {}
    if response.ok and parsed:
        return parsed
    raise _to_cli_error(response, parsed)


def _to_cli_error(response: aiohttp.ClientResponse, problem: JsonObject) -> CliError:
    status, code = response.status, str(problem.get("code", ""))
    message = " ".join(filter(None, (f"{problem.get('title', response.reason)}.", str(problem.get("detail", "")))))
    if status == HTTPStatus.CONFLICT:
        return RepeatedUploadError(problem.get("upload_id"))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnreachableError(f"The gateway cannot do it now ({status}): {message}", "Try again in a moment.")
    if status < HTTPStatus.BAD_REQUEST or not code:
        return CliError(f"{response.url} answered like no gateway ({status}).", "Check --url or GATEWAY_URL.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = response.headers.get("Retry-After", "60")
        return CommandRefusedError(f"The gateway refused it: {message}", f"Try again in {seconds} seconds.")
    return CommandRefusedError(f"The gateway refused it: {message}", _ADVICE_BY_CODE.get(code, ""))


_ADVICE_BY_CODE = {
    "bad_signature": "Check --key-id, the secret and --scheme; `equity keys list` shows the keys and their schemes.",
    "scheme_refused": "Make a key of the other scheme (`equity keys add PARTNER`), and sign with that.",
    "timestamp_out_of_range": "Set this machine's clock: it is more than five minutes off.",
    "broker_not_permitted": "`equity partners list` shows which brokers the partner may assign to.",
    "not_found": "A key sees only its own partner's uploads.",
}
