"""The properties that BatchData's search and lookup find (contracts §5.5)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sandbox.chance import draw, pick, share
from sandbox.people import Address, People, Person
from sandbox.vendors.batchdata.searching import UNMOVED, Bound, Criteria, Lookup, Shift

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
_ELSEWHERE = ("FL", *_PLACES["FL"])


class Properties:
    """Some hundreds of properties for each place that is asked for, always the same."""

    def __init__(self, seed: str, people: People) -> None:
        self._seed = seed
        self._people = people
        self._of_place = lru_cache(maxsize=64)(self._make_place)

    def found(self, criteria: Criteria, shift: Shift = UNMOVED) -> list[dict[str, Any]]:
        """All properties that meet *criteria*, always in the same order, the latest to enter first."""
        found = [one for one in self._of_place(criteria.query) if _within(one["valuation"], criteria.valuation)]
        state, county, city, zip_code = _place(criteria.query)
        entered = [
            self._property(Address(f"{number} Newcomer Ln", city, state, zip_code), county)
            for number in range(shift.added, 0, -1)
        ]
        return entered + found[shift.removed :]

    def at(self, wanted: Lookup) -> dict[str, Any]:
        """The property at an address, or of a parcel in a county."""
        place = wanted.address
        address = Address(wanted.apn or place.street, place.city, place.state, place.zip)
        return self._property(address, place.county, wanted.apn)

    def _make_place(self, query: str) -> list[dict[str, Any]]:
        state, county, city, zip_code = _place(query)
        return [
            self._property(Address(f"{100 + 7 * number} {street}", city, state, zip_code), county)
            for number in range(300 + draw(self._seed, query, "count") % 100)
            for street in (pick(_STREETS, self._seed, query, str(number)),)
        ]

    def _property(self, address: Address, county: str, apn: str | None = None) -> dict[str, Any]:
        person = self._people.at(address)
        value = 150_000 + draw(self._seed, address.key, "value") % 900_000
        equity = round(20 + 80 * share(self._seed, address.key, "equity"), 1)
        return {
            "_id": f"{draw(self._seed, address.key, 'id'):024x}",
            "address": {"street": address.street, "city": address.city, "county": county, "state": address.state, "zip": address.zip},
            "owner": _owner(person, address),
            "building": {"yearBuilt": 1950 + value % 70, "bedroomCount": 2 + value % 4, "livingAreaSquareFeet": 900 + value % 2_000},
            "valuation": {
                "estimatedValue": value, "equityPercent": equity, "ltv": round(100 - equity, 1),
                "equityCurrentEstimatedBalance": round(value * equity / 100), "asOfDate": "2026-08-01",
            },
            "openLien": {"totalOpenLienCount": int(equity < 99), "totalOpenLienBalance": round(value * (100 - equity) / 100)},  # noqa: PLR2004
            "sale": {"lastSale": {"price": round(value * 0.6), "saleDate": f"{1995 + value % 25}-05-17"}},
            "ids": {"apn": apn or f"{value % 90 + 10}-{draw(self._seed, address.key, 'apn') % 10**7:07d}"},
            "quickLists": {"ownerOccupied": True, "highEquity": equity >= 50, "freeAndClear": equity >= 99},  # noqa: PLR2004
            "demographics": {"age": 62 + value % 28},
        }  # fmt: skip


def _owner(person: Person, address: Address) -> dict[str, Any]:
    name = {"first": person.first, "last": person.last, "full": f"{person.first} {person.last}"}
    return {
        "fullName": name["full"],
        "names": [name],
        "ownerOccupied": True,
        "ownerStatusType": "Individual",
        "mailingAddress": {"street": address.street, "city": address.city, "state": address.state, "zip": address.zip},
    }


def _place(query: str) -> tuple[str, str, str, str]:
    """State, county, city and ZIP for a query such as `Pinellas County, FL`."""
    name, _, state = (part.strip() for part in query.rpartition(","))
    state = state.upper()
    if state not in _PLACES:
        return _ELSEWHERE
    county, city, zip_code = _PLACES[state]
    return state, name.removesuffix(" County") or county, city, zip_code


def _within(valuation: Mapping[str, Any], bounds: Mapping[str, Bound]) -> bool:
    return all(bound.min <= valuation[name] <= bound.max for name, bound in bounds.items() if name in valuation)
