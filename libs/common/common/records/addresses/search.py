"""Addresses as a person types them on one line, for a search: the homes that they may mean."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from common.geography.places import STATES, state_code
from common.records.addresses.normal_form import PoBoxError, UnreadableAddressError, hash_address, normalise_street

_ZIP_AT_END = re.compile(r"(.+?)[\s,]+(\d{5})(?:-?\d{4})?", re.ASCII)
_FIRST_NUMBER = re.compile(r"[1-9]\d*", re.ASCII)
_MAX_CITY_WORDS = 4
_MAX_STATE_WORDS = max(len(name.split()) for name in STATES)


@dataclass(frozen=True, slots=True)
class WrittenAddress:
    """Readings of a typed address. There are several, because the city is not marked where there are no commas."""

    hashes: tuple[bytes, ...]
    """Address hashes of the homes that it may mean. A wrong reading gives the hash of no home."""
    zip_code: str
    streets: frozenset[str]
    """Normal forms of the streets that were written without a unit: all units there may be meant."""

    @property
    def house_numbers(self) -> list[str]:
        """First number of each street, under which `app.leads_unit_idx` has the homes with a unit."""
        return sorted({found[0] for street in self.streets if (found := _FIRST_NUMBER.search(street))})

    def has_unit(self, address: str, unit: str, city: str) -> bool:
        """Return whether the home with this stored *address* and *unit* is a unit at one of the streets."""
        found = _read_street(address, unit, city)
        return found is not None and found[0] in self.streets


def read_written_address(text: str) -> WrittenAddress | None:
    """Read street, unit, city, state and ZIP code, with or without commas.

    Return None for a text without a ZIP code at its end, and for a text that is no street address.
    """
    found = _ZIP_AT_END.fullmatch(text.strip())
    if found is None:
        return None
    words, zip_code = _without_state(found[1].replace(",", " , ").split()), found[2]
    readings = [_read_street(" ".join(words[:end]).removesuffix(" ,")) for end in _list_ends_of_street(words)]
    homes = [reading for reading in readings if reading is not None]
    if not homes:
        return None
    hashes = dict.fromkeys(hash_address(street, unit, zip_code) for street, unit in homes)
    return WrittenAddress(tuple(hashes), zip_code, frozenset(street for street, unit in homes if not unit))


def _list_ends_of_street(words: list[str]) -> Iterator[int]:
    """Yield the positions at which the city may begin. A word with a digit belongs to the street or the unit."""
    for count in range(_MAX_CITY_WORDS + 1):
        yield len(words) - count
        if count >= len(words) or not words[-count - 1].replace(".", "").replace("'", "").isalpha():
            return


def _without_state(words: list[str]) -> list[str]:
    for count in range(_MAX_STATE_WORDS, 0, -1):
        if len(words) > count and state_code(" ".join(words[-count:])):
            words = words[:-count]
            break
    return words[:-1] if words[-1:] == [","] else words


def _read_street(address: str, unit: str | None = None, city: str = "") -> tuple[str, str] | None:
    try:
        return normalise_street(address, unit, city)
    except (PoBoxError, UnreadableAddressError):
        return None
