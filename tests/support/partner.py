"""A partner's program: knows a key and how to sign, nothing of our code."""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from common.contacts import Keyring
from support.installation import SECRETS

KEYRING = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1")
HEADER = "Address,City,State,Zip,APN,Owner 1 First Name,Owner 1 Last Name"


def csv_of(rows: int, start: int = 0) -> bytes:
    """A PropStream-shaped file of so many rows."""
    lines = [f"{number} Main St,Miami,FL,33101,{number:08d},Ann,Holt" for number in range(start + 1, start + rows + 1)]
    return "\n".join([HEADER, *lines, ""]).encode()


@dataclass
class Partner:
    """A partner with one key, the documents' own at first."""

    base: str
    session: aiohttp.ClientSession
    id: UUID
    key_id: str = "default"
    secret: bytes = SECRETS["HMAC_SECRET_KEY"].encode()
    scheme: str = "body"

    def mac(self, text: bytes) -> str:
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()

    def signed(self, body: bytes, at: str | None = None) -> dict[str, str]:
        at = at or datetime.now(UTC).isoformat()
        v2 = self.scheme == "v2"
        return {
            "X-Key-Id": self.key_id,
            "X-Signature": f"v2={self.mac(at.encode() + b'.' + body)}" if v2 else f"sha256={self.mac(body)}",
            "X-Signature-Timestamp": at,
            "X-Content-SHA256": hashlib.sha256(body).hexdigest(),
            "Content-Type": "text/csv",
        }

    def signed_read(self, path: str) -> dict[str, str]:
        at = datetime.now(UTC).isoformat()
        signature = f"v2={self.mac(f'{at}.GET {path}'.encode())}"
        return {"X-Key-Id": self.key_id, "X-Signature-Timestamp": at, "X-Signature": signature}

    async def upload(self, body: bytes, **changed: str | None) -> tuple[int, dict[str, Any]]:
        """Upload *body*; headers may be changed, or left out by None, with `_` for `-`."""
        headers: dict[str, str | None] = {**self.signed(body)}
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        sent = {name: value for name, value in headers.items() if value is not None}
        async with self.session.post(f"{self.base}/v1/uploads", data=body, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None)

    async def read(self, path: str) -> tuple[int, bytes]:
        async with self.session.get(self.base + path, headers=self.signed_read(path)) as answer:
            return answer.status, await answer.read()

    async def report(self, upload_id: str) -> dict[str, Any]:
        path = f"/v1/uploads/{upload_id}"
        async with self.session.get(self.base + path, headers=self.signed_read(path)) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def until(self, upload_id: str, state: str, seconds: float = 30) -> dict[str, Any]:
        """The report, once the upload is in that state."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (report := await self.report(upload_id))["state"] != state:
            assert asyncio.get_running_loop().time() < deadline, report
            await asyncio.sleep(0.05)
        return report


async def add_partner(db: Any, like: Partner, *, scheme: str = "v2", brokers: list[UUID] | None = None) -> Partner:
    """A further partner with one key."""
    added = Partner(like.base, like.session, uuid4())
    await db.execute(
        "insert into app.partners (id, name, broker_ids) values ($1, $2, $3)", added.id, str(added.id), brokers
    )
    return await add_key(db, added, scheme=scheme)


async def add_key(db: Any, partner: Partner, *, scheme: str = "v2") -> Partner:
    """The same partner with a further key, which it signs with."""
    key_id, secret = f"key-{uuid4().hex[:8]}", uuid4().hex.encode()
    await db.execute(
        "insert into app.partner_keys (key_id, partner_id, scheme, secret_sealed) values ($1, $2, $3, $4)",
        key_id, partner.id, scheme, KEYRING.seal("partner-key", key_id.encode(), secret),
    )  # fmt: skip
    return Partner(partner.base, partner.session, partner.id, key_id, secret, scheme)
