"""Brokers by territory. The most specific territory wins: ZIP code before county before state."""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from common.database import Connection, Database
from common.geography.counties import counties_named
from common.ids import BrokerId
from ingest.territories import queries
from ingest.territories.queries import ActiveTerritory

CountyKey = tuple[str, str]


class BrokerMap:
    """The active brokers and their territories at one moment."""

    def __init__(self, active: Iterable[BrokerId], territories: Iterable[ActiveTerritory]) -> None:
        self.active = frozenset(active)
        self._by_zip: dict[str, BrokerId] = {}
        self._by_county: dict[CountyKey, BrokerId] = {}
        self._by_state: dict[str, BrokerId] = {}
        for territory in territories:
            broker_id = territory.broker_id
            if territory.zip:
                self._by_zip.setdefault(territory.zip, broker_id)
            elif territory.county:
                self._by_county.setdefault(_county_key(territory.state, territory.county), broker_id)
            else:
                self._by_state.setdefault(territory.state, broker_id)

    def find_broker(self, state: str, county: str | None, zip_code: str) -> BrokerId | None:
        """Return the broker in whose territory the property lies, or None."""
        return (
            self._by_zip.get(zip_code)
            or (self._by_county.get(_county_key(state, county)) if county else None)
            or self._by_state.get(state)
        )


@lru_cache(maxsize=8_192)
def _county_key(state: str, county: str) -> CountyKey:
    """Return the county by its code, so that `De Kalb` lies in the territory `DeKalb`.

    A county that the public table lacks is compared by its name.
    """
    found = counties_named(county, state)
    return state, found[0].fips if found else county


async def read_broker_map(connection: Connection) -> tuple[BrokerMap, list[ActiveTerritory]]:
    """Return the current brokers, and their territories in the order of precedence."""
    active = await queries.list_active_brokers(connection)
    territories = await queries.list_active_territories(connection)
    return BrokerMap(active, territories), territories


class BrokerMapCache:
    """The broker map, read again after each change. A record that is sent after a change goes by the new territories."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: Decimal | None = None
        self._map = BrokerMap((), ())

    async def read_current(self) -> BrokerMap:
        """Return the broker map, from the cache or the database. Raises the errors of the database."""
        async with self._database.connection() as connection:
            version = await queries.read_broker_map_version(connection)
            if version != self._version:
                self._map, _ = await read_broker_map(connection)
                self._version = version
        return self._map
