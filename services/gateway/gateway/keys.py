"""The partners' keys, read again every few seconds, so that a new or revoked key needs no restart."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import structlog

from common import ids, telemetry
from common.contacts import CannotOpenError, Keyring
from common.database import Database, load_queries
from gateway.settings import GatewaySettings
from gateway.signature import Claim, Key, Scheme

log = structlog.get_logger()
queries = load_queries(__file__)

DEFAULT = "default"
PURPOSE = "partner-key"
"""What a sealed secret is bound to, together with its key's id."""


def count_verdict(key: Key | None, times: int = 1) -> None:
    """Count a signature as verified, by which key, or as refused."""
    labels = {"key_id": key.key_id if key else "", "verdict": "valid" if key else "invalid"}
    telemetry.counter("equity_signatures", "Partners' signatures by key and verdict").add(times, labels)


class Keys:
    """All active keys."""

    def __init__(self, database: Database, keyring: Keyring, settings: GatewaySettings) -> None:
        self._database = database
        self._keyring = keyring
        self._seconds = settings.gateway_key_cache_seconds
        given = settings.hmac_secret_key
        self._default_secret = given.get_secret_value().strip().encode() if given else b""
        self._default_is_there = not self._default_secret
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._opened: dict[bytes, bytes] = {}
        self._by_id: dict[str, Key] = {}
        self._only_ones: list[Key] = []

    async def candidates(self, claim: Claim) -> list[Key]:
        """The keys that may have signed: the named one, else those of partners who have a single active key.

        Raises what the database raises when it is time to look and it does not answer.
        """
        await self._refresh()
        if claim.key_id is None:
            return self._only_ones
        named = self._by_id.get(claim.key_id)
        return [named] if named else []

    async def _refresh(self) -> None:
        """Read the keys when they are old; once for all who wait, so that a dead database is not asked by each in turn."""
        if time.monotonic() - self._read_at <= self._seconds:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        async with self._database.connection() as connection:
            if not self._default_is_there:
                await queries.ensure_default_partner(connection, id=ids.new_id(), name=DEFAULT)
                sealed = self._keyring.seal(PURPOSE, DEFAULT.encode(), b"")
                await queries.ensure_default_key(connection, key_id=DEFAULT, partner=DEFAULT, secret_sealed=sealed)
                self._default_is_there = True
            found = [row async for row in queries.active_keys(connection)]
        self._by_id = {key.key_id: key for key in map(self._key, found) if key}
        partners = Counter(key.partner_id for key in self._by_id.values())
        self._only_ones = [key for key in self._by_id.values() if partners[key.partner_id] == 1]
        self._read_at = time.monotonic()

    def _key(self, row: Mapping[str, Any]) -> Key | None:
        """The key in *row*, if its secret can be had.

        The secret of HMAC_SECRET_KEY stays in the environment: its row is there to be listed, counted and revoked.
        """
        secret = self._default_secret if row["key_id"] == DEFAULT else b""
        secret = secret or self._open(row["key_id"], row["secret_sealed"])
        if not secret:
            return None
        brokers = row["broker_ids"]
        return Key(
            key_id=row["key_id"],
            partner_id=row["partner_id"],
            scheme=Scheme(row["scheme"]),
            secret=secret,
            broker_ids=None if brokers is None else tuple(brokers),
            default_broker_id=row["default_broker_id"],
        )

    def _open(self, key_id: str, sealed: bytes) -> bytes:
        if sealed not in self._opened:
            try:
                self._opened[sealed] = self._keyring.unseal(PURPOSE, key_id.encode(), sealed)
            except CannotOpenError as error:
                log.error("partner_key_unreadable", key_id=key_id, reason=str(error))  # noqa: TRY400 - no trace: secrets
                return b""
        return self._opened[sealed]
