"""The gateway as a partner reaches it: signed, with its refusals turned into sentences (RFC 9457)."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import aiohttp
import orjson

from cli.errors import CliError, RefusedError, UnreachableError
from cli.signing import SigningKey

_CHUNK = 1 << 18
_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)
_TRIES = 5
Answer = dict[str, Any]


class RepeatError(RefusedError):
    """The same file was taken before."""

    def __init__(self, upload_id: str | None) -> None:
        super().__init__(
            f"This file was uploaded before: it repeats upload {upload_id}."
            if upload_id
            else "This file was uploaded before.",
            f"See what became of it: equity uploads show {upload_id}" if upload_id else "",
        )
        self.upload_id = upload_id


class Gateway:
    """The gateway at *base*, spoken to with a partner's *key*."""

    def __init__(self, base: str, key: SigningKey, session: aiohttp.ClientSession) -> None:
        self._base = base
        self._key = key
        self._session = session

    @classmethod
    @asynccontextmanager
    async def open(cls, base: str, key: SigningKey) -> AsyncIterator[Self]:
        """A gateway for the time of the block. Raises UnreachableError when it cannot be reached inside."""
        try:
            async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
                yield cls(base, key, session)
        except (aiohttp.ClientConnectorError, TimeoutError) as error:
            raise UnreachableError(
                f"The gateway at {base} does not answer.",
                "Start it (on this machine: `./dev up`, then `./dev equity …`), or name it by --url or GATEWAY_URL.",
            ) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            raise UnreachableError(
                f"The connection to {base} broke.",
                "Try again. If the upload was taken all the same, you are told so, and no row counts twice.",
            ) from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise CliError(f"{base} is not an address.", "It reads https://leads.example.com.") from error

    async def upload(
        self,
        file: Path,
        size: int,
        query: Mapping[str, str],
        on_hashed: Callable[[int], None],
        on_sent: Callable[[int], None],
    ) -> Answer:
        """Sign and send *file* of *size* bytes; the gateway's answer. Raises RepeatError for a file that it has."""
        headers = await asyncio.to_thread(self._key.sign_file, file, datetime.now(UTC), on_hashed)
        headers |= {
            "Content-Type": "text/csv",
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="{_header_safe(file.name)}"',
        }
        async with self._session.post(
            f"{self._base}/v1/uploads", params=query, headers=headers, data=_pieces(file, on_sent)
        ) as response:
            return await _answer(response)

    async def report(self, upload_id: UUID | str) -> Answer:
        """How upload *upload_id* stands. Waits when the gateway asks to be asked less often."""
        for _ in range(_TRIES):
            async with self._read(f"/v1/uploads/{upload_id}") as response:
                if response.status != HTTPStatus.TOO_MANY_REQUESTS:
                    return await _answer(response)
                await asyncio.sleep(min(float(response.headers.get("Retry-After", "1")), 30))
        raise UnreachableError("The gateway is being asked too much.", "Try again in a minute.")

    async def rejects(self, upload_id: UUID | str) -> AsyncIterator[bytes]:
        """The rejected rows of an upload as CSV, in pieces."""
        async with self._read(f"/v1/uploads/{upload_id}/rejects.csv") as response:
            if response.status != HTTPStatus.OK:
                await _answer(response)
            async for piece in response.content.iter_chunked(_CHUNK):
                yield piece

    def _read(self, path: str) -> Any:
        return self._session.get(self._base + path, headers=self._key.sign_read(path, datetime.now(UTC)))


def _header_safe(name: str) -> str:
    """*name* for a quoted header value: anything but plain letters, digits and `.-_ ` becomes an underscore."""
    return re.sub(r"[^A-Za-z0-9._ -]", "_", name)


async def _pieces(file: Path, on_sent: Callable[[int], None]) -> AsyncIterator[bytes]:
    with file.open("rb") as body:
        while piece := await asyncio.to_thread(body.read, _CHUNK):
            yield piece
            on_sent(len(piece))


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    """The body of a good answer. Raises a CliError that says what the gateway said of a bad one."""
    body = await response.read()
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if response.ok and answer:
        return answer
    raise _refusal(response, answer)


def _refusal(response: aiohttp.ClientResponse, problem: Answer) -> CliError:
    status, code = response.status, str(problem.get("code", ""))
    said = " ".join(filter(None, (f"{problem.get('title', response.reason)}.", str(problem.get("detail", "")))))
    if status == HTTPStatus.CONFLICT:
        return RepeatError(problem.get("upload_id"))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnreachableError(f"The gateway cannot do it now ({status}): {said}", "Try again in a moment.")
    if status < HTTPStatus.BAD_REQUEST or not code:
        return CliError(f"{response.url} answered like no gateway ({status}).", "Check --url or GATEWAY_URL.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = response.headers.get("Retry-After", "60")
        return RefusedError(f"The gateway refused it: {said}", f"Try again in {seconds} seconds.")
    return RefusedError(f"The gateway refused it: {said}", _ADVICE.get(code, ""))


_ADVICE = {
    "bad_signature": "Check --key-id, the secret and --scheme; `equity keys list` shows the keys and their schemes.",
    "scheme_refused": "Make a key of the other scheme (`equity keys add PARTNER`), and sign with that.",
    "stale_timestamp": "Set this machine's clock: it is more than five minutes off.",
    "broker_not_permitted": "`equity partners list` shows which brokers the partner may assign to.",
    "not_found": "A key sees only its own partner's uploads.",
}
