"""Which broker a property belongs to: the most specific territory wins, ZIP before county before state."""

import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from uuid import UUID

from common.counties import counties_named
from common.database import Connection, Database, load_queries

queries = load_queries(__file__)

Key = tuple[str, str]


class BrokerMap:
    """The active brokers and their territories at one moment."""

    def __init__(self, active: Iterable[UUID], rows: Iterable[Mapping[str, object]]) -> None:
        self.active = frozenset(active)
        self._by_zip: dict[str, UUID] = {}
        self._by_county: dict[Key, UUID] = {}
        self._by_state: dict[str, UUID] = {}
        for row in rows:
            broker, state, county, zip_code = UUID(str(row["broker_id"])), str(row["state"]), row["county"], row["zip"]
            if zip_code:
                self._by_zip.setdefault(str(zip_code), broker)
            elif county:
                self._by_county.setdefault(_county_key(state, str(county)), broker)
            else:
                self._by_state.setdefault(state, broker)

    def broker_for(self, state: str, county: str | None, zip_code: str) -> UUID | None:
        """The broker whose territory the property lies in, or None."""
        return (
            self._by_zip.get(zip_code)
            or (self._by_county.get(_county_key(state, county)) if county else None)
            or self._by_state.get(state)
        )


@lru_cache(maxsize=8_192)
def _county_key(state: str, county: str) -> Key:
    """The county by its code, so that `De Kalb` lies in the territory `DeKalb`; one that the public table lacks by its name."""
    found = counties_named(county, state)
    return state, found[0].fips if found else county


async def read_broker_map(connection: Connection) -> tuple[BrokerMap, list[tuple[object, ...]]]:
    """Return the brokers as they are now, and the rows of their territories in the order in which the first one wins."""
    active = [UUID(bytes=row["id"].bytes) async for row in queries.active_brokers(connection)]
    rows = [row async for row in queries.active_territories(connection)]
    return BrokerMap(active, rows), [(str(row["broker_id"]), row["state"], row["county"], row["zip"]) for row in rows]


class Brokers:
    """The brokers, read again when they are a few seconds old."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._read_at = float("-inf")
        self._map = BrokerMap((), ())

    async def current(self) -> BrokerMap:
        """The brokers as they are, or were a few seconds ago. Raises what the database raises."""
        if time.monotonic() - self._read_at > self._seconds:
            async with self._database.connection() as connection:
                self._map, _ = await read_broker_map(connection)
            self._read_at = time.monotonic()
        return self._map
