"""Invented properties that BatchData's search and lookup return (docs/vendors/batchdata.md)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sandbox.people import FakePeople, FakePerson, PostalAddress
from sandbox.seeded_random import random_choice, random_fraction, random_integer
from sandbox.vendors.batchdata.property_requests import (
    UNSHIFTED,
    PropertyCriteria,
    PropertyLookup,
    ResultShift,
    ValueRange,
)

_STREETS = (
    "Palmetto Ave",
    "Live Oak Dr",
    "Harbor Ln",
    "Juniper St",
    "Mission Rd",
    "Prairie Ct",
    "Sunset Blvd",
    "Mill Creek Way",
)
_PLACES = {
    "FL": ("Pinellas", "Dunedin", "34698"), "CA": ("San Diego", "Escondido", "92025"), "TX": ("Travis", "Austin", "78745"),
    "AZ": ("Maricopa", "Mesa", "85201"), "WA": ("King", "Renton", "98055"), "CO": ("Denver", "Denver", "80219"),
}  # fmt: skip
_DEFAULT_PLACE = ("FL", *_PLACES["FL"])


class PropertyCatalog:
    """Properties of any place: 300 to 399 for each query, always the same ones."""

    def __init__(self, seed: str, people: FakePeople) -> None:
        self._seed = seed
        self._people = people
        self._properties_of = lru_cache(maxsize=64)(self._create_properties)

    def find_properties(self, criteria: PropertyCriteria, shift: ResultShift = UNSHIFTED) -> list[dict[str, Any]]:
        """Return all properties that meet *criteria*, always in the same order, with the last added one first."""
        matches = [
            entry for entry in self._properties_of(criteria.query) if _is_within(entry["valuation"], criteria.valuation)
        ]
        state, county, city, zip_code = _place(criteria.query)
        added = [
            self._create_property(PostalAddress(f"{number} Newcomer Ln", city, state, zip_code), county)
            for number in range(shift.added, 0, -1)
        ]
        return added + matches[shift.removed :]

    def property_of(self, lookup: PropertyLookup) -> dict[str, Any]:
        """Return the property at an address, or of a parcel in a county."""
        place = lookup.address
        address = PostalAddress(lookup.apn or place.street, place.city, place.state, place.zip)
        return self._create_property(address, place.county, lookup.apn)

    def _create_properties(self, query: str) -> list[dict[str, Any]]:
        state, county, city, zip_code = _place(query)
        return [
            self._create_property(PostalAddress(f"{100 + 7 * number} {street}", city, state, zip_code), county)
            for number in range(300 + random_integer(self._seed, query, "count") % 100)
            for street in (random_choice(_STREETS, self._seed, query, str(number)),)
        ]

    def _create_property(self, address: PostalAddress, county: str, apn: str | None = None) -> dict[str, Any]:
        person = self._people.person_at(address)
        value = 150_000 + random_integer(self._seed, address.key, "value") % 900_000
        equity = round(20 + 80 * random_fraction(self._seed, address.key, "equity"), 1)
        return {
            "_id": f"{random_integer(self._seed, address.key, 'id'):024x}",
            "address": {"street": address.street, "city": address.city, "county": county, "state": address.state, "zip": address.zip},
            "owner": _owner(person, address),
            "building": {"yearBuilt": 1950 + value % 70, "bedroomCount": 2 + value % 4, "livingAreaSquareFeet": 900 + value % 2_000},
            "valuation": {
                "estimatedValue": value, "equityPercent": equity, "ltv": round(100 - equity, 1),
                "equityCurrentEstimatedBalance": round(value * equity / 100), "asOfDate": "2026-08-01",
            },
            "openLien": {"totalOpenLienCount": int(equity < 99), "totalOpenLienBalance": round(value * (100 - equity) / 100)},  # noqa: PLR2004
            "sale": {"lastSale": {"price": round(value * 0.6), "saleDate": f"{1995 + value % 25}-05-17"}},
            "ids": {"apn": apn or f"{value % 90 + 10}-{random_integer(self._seed, address.key, 'apn') % 10**7:07d}"},
            "quickLists": {"ownerOccupied": True, "highEquity": equity >= 50, "freeAndClear": equity >= 99},  # noqa: PLR2004
            "demographics": {"age": 62 + value % 28},
        }  # fmt: skip


def _owner(person: FakePerson, address: PostalAddress) -> dict[str, Any]:
    name = {"first": person.first, "last": person.last, "full": f"{person.first} {person.last}"}
    return {
        "fullName": name["full"],
        "names": [name],
        "ownerOccupied": True,
        "ownerStatusType": "Individual",
        "mailingAddress": {"street": address.street, "city": address.city, "state": address.state, "zip": address.zip},
    }


def _place(query: str) -> tuple[str, str, str, str]:
    """Return state, county, city and ZIP code for a query such as `Pinellas County, FL`."""
    name, _, state = (part.strip() for part in query.rpartition(","))
    state = state.upper()
    if state not in _PLACES:
        return _DEFAULT_PLACE
    county, city, zip_code = _PLACES[state]
    return state, name.removesuffix(" County") or county, city, zip_code


def _is_within(valuation: Mapping[str, Any], ranges: Mapping[str, ValueRange]) -> bool:
    return all(limits.min <= valuation[name] <= limits.max for name, limits in ranges.items() if name in valuation)
