"""Invented people: the owner of an address, and facts about a phone number or an email address.

Everything depends on the seed and the address only. Therefore two vendors agree on a household, and a repeated call gives the same people.
A name that the caller brings is used as the owner's. Phone numbers are of the exchange 555, which telephone companies do not give to people.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, Self

from sandbox.seeded_random import random_choice, random_fraction, random_integer, weighted_choice

_FIRST_NAMES = ("Marjorie", "Walter", "Dolores", "Eugene", "Rosa", "Harold", "Beatriz", "Leonard", "Sylvia", "Calvin")
_LAST_NAMES = ("Holt", "Okafor", "Brennan", "Castillo", "Novak", "Whitfield", "Tran", "Lindqvist", "Abbott", "Moreau")
_CARRIERS = ("Verizon", "AT&T", "T-Mobile", "Frontier", "Lumen")
_AREA_CODES = {
    "AZ": "602", "CA": "213", "CO": "303", "FL": "727", "GA": "404", "IL": "312", "MA": "617", "MI": "313", "NC": "704", "NJ": "201",
    "NV": "702", "NY": "212", "OH": "216", "OR": "503", "PA": "215", "TN": "615", "TX": "512", "VA": "804", "WA": "206",
}  # fmt: skip
_OTHER_AREA_CODE = "816"

ADDRESS_CODES = (
    (0.955, ("AS01",)), (0.01, ("AS01", "AS16")), (0.015, ("AS02", "AE09")), (0.005, ("AS03", "AS17")), (0.01, ("AE10",)),
    (0.005, ("AE02",)),
)  # fmt: skip
"""Melissa's result codes of addresses, each with its share (docs/vendors/melissa.md, Codes)."""
EMAIL_CODES = (
    (0.82, ("ES01", "ES21")), (0.10, ("ES01",)), (0.03, ("ES01", "ES07")), (0.01, ("ES03",)), (0.015, ("ES05",)),
    (0.005, ("ES06",)), (0.02, ("EE04",)),
)  # fmt: skip
PHONE_CODES = ((0.95, ("PS01",)), (0.03, ("PE01",)), (0.02, ("PE05",)))
_PHONE_DIGITS = 10
"""Digits of a phone number in North America."""


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """A postal address as a caller wrote it. `key` does not depend on case, spaces or punctuation."""

    street: str
    city: str = ""
    state: str = ""
    zip: str = ""

    @property
    def key(self) -> str:
        """Return street and place in lower case, letters and digits only. The ZIP code, if known, replaces city and state."""
        place = self.zip[:5] or self.city + self.state
        return "|".join(re.sub(r"[^a-z0-9]", "", part.lower()) for part in (self.street, place))


@dataclass(frozen=True, slots=True)
class FakePhone:
    """A phone number of ten digits, and the facts about it."""

    number: str
    line: Literal["Mobile", "Land Line"]
    carrier: str
    reachable: bool
    dnc: bool
    tcpa: bool
    score: int


@dataclass(frozen=True, slots=True)
class FakePerson:
    """The owner and resident of an address, as the vendors know them."""

    mak: str
    first: str
    last: str
    address_codes: tuple[str, ...]
    name_is_known: bool
    is_found: bool
    is_deceased: bool
    is_litigator: bool
    phones: tuple[FakePhone, ...]
    emails: tuple[str, ...]

    def with_name(self, first: str, last: str) -> Self:
        """Return the same person with the caller's name, as far as the caller gives one."""
        return replace(self, first=first or self.first, last=last or self.last)


class FakePeople:
    """The people that a seed gives."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def person_at(self, address: PostalAddress, first: str = "", last: str = "") -> FakePerson:
        """Return the owner of *address*, with the caller's name if the caller gives one."""
        key = address.key
        own_first = random_choice(_FIRST_NAMES, self._seed, key, "first")
        own_last = random_choice(_LAST_NAMES, self._seed, key, "last")
        person = FakePerson(
            mak=f"{random_integer(self._seed, key, 'mak') % 10**10:010d}",
            first=own_first,
            last=own_last,
            address_codes=weighted_choice(ADDRESS_CODES, self._seed, key, "address"),
            name_is_known=self._is_drawn(0.97, key, "name"),
            is_found=self._is_drawn(0.95, key, "found"),
            is_deceased=self._is_drawn(0.01, key, "deceased"),
            is_litigator=self._is_drawn(0.01, key, "litigator"),
            phones=tuple(
                self.phone_facts(self._number(key, address.state, rank), rank)
                for rank in range(self._contact_count(key, "phones", 3))
            ),
            emails=tuple(
                self._email(key, own_first, own_last, rank) for rank in range(self._contact_count(key, "emails", 2))
            ),
        )
        return person.with_name(first, last)

    def phone_facts(self, number: str, rank: int = 0) -> FakePhone:
        """Return the facts about a number of ten digits. *rank* is 0 for the best number of a person; it lowers the score."""
        return FakePhone(
            number=number,
            line="Mobile" if self._is_drawn(0.6, number, "line") else "Land Line",
            carrier=random_choice(_CARRIERS, self._seed, number, "carrier"),
            reachable=self._is_drawn(0.9, number, "reachable"),
            dnc=self._is_drawn(0.2, number, "dnc"),
            tcpa=self._is_drawn(0.02, number, "tcpa"),
            score=95 - 12 * rank - random_integer(self._seed, number, "score") % 10,
        )

    def phone_codes(self, number: str) -> tuple[str, ...]:
        """Return Melissa's result codes of a phone number."""
        digits = re.sub(r"\D", "", number).removeprefix("1")
        if len(digits) != _PHONE_DIGITS:
            return ("PE03",)
        codes = weighted_choice(PHONE_CODES, self._seed, digits, "phone")
        line = "PS07" if self.phone_facts(digits).line == "Mobile" else "PS08"
        return (*codes, line) if codes == ("PS01",) else codes

    def email_codes(self, email: str) -> tuple[str, ...]:
        """Return Melissa's result codes of an email address."""
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", email):
            return ("EE01",)
        return weighted_choice(EMAIL_CODES, self._seed, email.lower(), "email")

    def belongs_to(self, person: FakePerson, value: str) -> bool:
        """Return whether the vendors know a phone number or email address, which a caller brings, as this person's."""
        known = {*person.emails, *(phone.number for phone in person.phones)}
        return value in known or self._is_drawn(0.9, person.mak, value.lower(), "belongs")

    def _is_drawn(self, probability: float, *words: str) -> bool:
        return random_fraction(self._seed, *words) < probability

    def _contact_count(self, key: str, what: str, most: int) -> int:
        """Return 1 to *most* for 95 in 100 people, so that most people can be contacted, and 0 for the others."""
        return 0 if not self._is_drawn(0.95, key, what) else 1 + random_integer(self._seed, key, what, "count") % most

    def _number(self, key: str, state: str, rank: int) -> str:
        area_code = _AREA_CODES.get(state.upper(), _OTHER_AREA_CODE)
        line_number = random_integer(self._seed, key, "phone", str(rank)) % 10_000
        return f"{area_code}555{line_number:04d}"

    def _email(self, key: str, first: str, last: str, rank: int) -> str:
        number = random_integer(self._seed, key, "email", str(rank)) % 1_000_000
        return f"{first}.{last}{number:06d}@example.com".lower()
