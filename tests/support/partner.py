"""A partner's client: it has a key and signs requests. It uses none of the gateway's code."""

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from common.pii.keyring import Keyring
from support.installation import SECRETS

KEYRING = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1")
HEADER = "Address,City,State,Zip,APN,Owner 1 First Name,Owner 1 Last Name"


def csv_of(rows: int, start: int = 0) -> bytes:
    """Return a file with PropStream's columns and *rows* rows, numbered from *start*."""
    lines = [f"{number} Main St,Miami,FL,33101,{number:08d},Ann,Holt" for number in range(start + 1, start + rows + 1)]
    return "\n".join([HEADER, *lines, ""]).encode()


@dataclass
class Partner:
    """A partner with one key; by default the key of HMAC_SECRET_KEY."""

    base: str
    session: aiohttp.ClientSession
    id: UUID
    key_id: str = "default"
    secret: bytes = SECRETS["HMAC_SECRET_KEY"].encode()
    scheme: str = "body"

    def compute_hmac(self, text: bytes) -> str:
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()

    def upload_headers(self, body: bytes, at: str | None = None) -> dict[str, str]:
        """Return the headers of a signed upload of *body*."""
        at = at or datetime.now(UTC).isoformat()
        signature = (
            f"v2={self.compute_hmac(at.encode() + b'.' + body)}"
            if self.scheme == "v2"
            else f"sha256={self.compute_hmac(body)}"
        )
        return {
            "X-Key-Id": self.key_id,
            "X-Signature": signature,
            "X-Signature-Timestamp": at,
            "X-Content-SHA256": hashlib.sha256(body).hexdigest(),
            "Content-Type": "text/csv",
        }

    def read_headers(self, path: str) -> dict[str, str]:
        """Return the headers of a signed read of *path*."""
        at = datetime.now(UTC).isoformat()
        signature = f"v2={self.compute_hmac(f'{at}.GET {path}'.encode())}"
        return {"X-Key-Id": self.key_id, "X-Signature-Timestamp": at, "X-Signature": signature}

    async def upload(
        self, body: bytes, query: Sequence[tuple[str, str]] = (), **changed: str | None
    ) -> tuple[int, dict[str, Any]]:
        """Upload *body*. Headers can be replaced, or left out with None; write `_` for `-`."""
        headers: dict[str, str | None] = {**self.upload_headers(body)}
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        sent = {name: value for name, value in headers.items() if value is not None}
        async with self.session.post(f"{self.base}/v1/uploads", params=list(query), data=body, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None)

    async def fetch(self, path: str) -> tuple[int, bytes]:
        """Return status and body of a signed read of *path*."""
        async with self.session.get(self.base + path, headers=self.read_headers(path)) as answer:
            return answer.status, await answer.read()

    async def fetch_report(self, upload_id: str) -> dict[str, Any]:
        path = f"/v1/uploads/{upload_id}"
        async with self.session.get(self.base + path, headers=self.read_headers(path)) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def wait_for_state(self, upload_id: str, state: str, seconds: float = 30) -> dict[str, Any]:
        """Return the report once the upload is in *state*."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (report := await self.fetch_report(upload_id))["state"] != state:
            assert asyncio.get_running_loop().time() < deadline, report
            await asyncio.sleep(0.05)
        return report


async def add_partner(db: Any, like: Partner, *, scheme: str = "v2", brokers: list[UUID] | None = None) -> Partner:
    """Insert another partner with one key, at the same gateway."""
    added = Partner(like.base, like.session, uuid4())
    await db.execute(
        "insert into app.partners (id, name, broker_ids) values ($1, $2, $3)", added.id, str(added.id), brokers
    )
    return await add_key(db, added, scheme=scheme)


async def add_key(db: Any, partner: Partner, *, scheme: str = "v2") -> Partner:
    """Insert another key of the same partner; return the partner with that key."""
    key_id, secret = f"key-{uuid4().hex[:8]}", uuid4().hex.encode()
    await db.execute(
        "insert into app.partner_keys (key_id, partner_id, scheme, secret_encrypted) values ($1, $2, $3, $4)",
        key_id, partner.id, scheme, KEYRING.encrypt("partner-key", key_id.encode(), secret),
    )  # fmt: skip
    return Partner(partner.base, partner.session, partner.id, key_id, secret, scheme)
