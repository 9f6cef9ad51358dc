"""The people of the sandbox's America: who lives at an address, and what is true of a phone number or an email address.

All of it follows from the seed and the address alone, so that two vendors agree on a household and a repeat gives the same people.
Names, where the caller knows them, are the caller's. Phone numbers are of the exchange 555, which no telephone company gives to people.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, Self

from sandbox.chance import draw, pick, share, weighted

_FIRST = ("Marjorie", "Walter", "Dolores", "Eugene", "Rosa", "Harold", "Beatriz", "Leonard", "Sylvia", "Calvin")
_LAST = ("Holt", "Okafor", "Brennan", "Castillo", "Novak", "Whitfield", "Tran", "Lindqvist", "Abbott", "Moreau")
_CARRIERS = ("Verizon", "AT&T", "T-Mobile", "Frontier", "Lumen")
_AREA_CODES = {
    "AZ": "602", "CA": "213", "CO": "303", "FL": "727", "GA": "404", "IL": "312", "MA": "617", "MI": "313", "NC": "704", "NJ": "201",
    "NV": "702", "NY": "212", "OH": "216", "OR": "503", "PA": "215", "TN": "615", "TX": "512", "VA": "804", "WA": "206",
}  # fmt: skip
_ELSEWHERE = "816"

ADDRESS_CODES = (
    (0.955, ("AS01",)), (0.01, ("AS01", "AS16")), (0.015, ("AS02", "AE09")), (0.005, ("AS03", "AS17")), (0.01, ("AE10",)),
    (0.005, ("AE02",)),
)  # fmt: skip
"""What Melissa's table says of addresses (contracts §4), and how often."""
EMAIL_CODES = (
    (0.82, ("ES01", "ES21")), (0.10, ("ES01",)), (0.03, ("ES01", "ES07")), (0.01, ("ES03",)), (0.015, ("ES05",)),
    (0.005, ("ES06",)), (0.02, ("EE04",)),
)  # fmt: skip
PHONE_CODES = ((0.95, ("PS01",)), (0.03, ("PE01",)), (0.02, ("PE05",)))


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as a caller wrote it; `key` is the same however it was written."""

    street: str
    city: str = ""
    state: str = ""
    zip: str = ""

    @property
    def key(self) -> str:
        """Street and place without case, spaces and punctuation; the ZIP goes before city and state."""
        place = self.zip[:5] or self.city + self.state
        return "|".join(re.sub(r"[^a-z0-9]", "", part.lower()) for part in (self.street, place))


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number, ten digits."""

    number: str
    line: Literal["Mobile", "Land Line"]
    carrier: str
    reachable: bool
    dnc: bool
    tcpa: bool
    score: int


@dataclass(frozen=True, slots=True)
class Person:
    """Who owns and lives at an address, as the vendors know it."""

    mak: str
    first: str
    last: str
    address_codes: tuple[str, ...]
    name_is_known: bool
    is_found: bool
    is_deceased: bool
    is_litigator: bool
    phones: tuple[Phone, ...]
    emails: tuple[str, ...]

    def named(self, first: str, last: str) -> Self:
        """The same person under the caller's name."""
        return replace(self, first=first or self.first, last=last or self.last)


class People:
    """The people that a seed makes."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def at(self, address: Address, first: str = "", last: str = "") -> Person:
        """Who is at *address*; the name is theirs unless the caller brings one."""
        key = address.key
        born_first, born_last = pick(_FIRST, self._seed, key, "first"), pick(_LAST, self._seed, key, "last")
        person = Person(
            mak=f"{draw(self._seed, key, 'mak') % 10**10:010d}",
            first=born_first,
            last=born_last,
            address_codes=weighted(ADDRESS_CODES, self._seed, key, "address"),
            name_is_known=self._happens(0.97, key, "name"),
            is_found=self._happens(0.95, key, "found"),
            is_deceased=self._happens(0.01, key, "deceased"),
            is_litigator=self._happens(0.01, key, "litigator"),
            phones=tuple(
                self.phone(self._number(key, address.state, rank), rank)
                for rank in range(self._how_many(key, "phones", 3))
            ),
            emails=tuple(
                self._email(key, born_first, born_last, rank) for rank in range(self._how_many(key, "emails", 2))
            ),
        )
        return person.named(first, last)

    def phone(self, number: str, rank: int = 0) -> Phone:
        """What is true of a number of ten digits, whoever asks; *rank*: 0 for the person's best."""
        return Phone(
            number=number,
            line="Mobile" if self._happens(0.6, number, "line") else "Land Line",
            carrier=pick(_CARRIERS, self._seed, number, "carrier"),
            reachable=self._happens(0.9, number, "reachable"),
            dnc=self._happens(0.2, number, "dnc"),
            tcpa=self._happens(0.02, number, "tcpa"),
            score=95 - 12 * rank - draw(self._seed, number, "score") % 10,
        )

    def phone_codes(self, number: str) -> tuple[str, ...]:
        """What Melissa says of a phone number."""
        digits = re.sub(r"\D", "", number).removeprefix("1")
        if len(digits) != 10:  # noqa: PLR2004 - digits of a number in North America
            return ("PE03",)
        codes = weighted(PHONE_CODES, self._seed, digits, "phone")
        line = "PS07" if self.phone(digits).line == "Mobile" else "PS08"
        return (*codes, line) if codes == ("PS01",) else codes

    def email_codes(self, email: str) -> tuple[str, ...]:
        """What Melissa says of an email address."""
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", email):
            return ("EE01",)
        return weighted(EMAIL_CODES, self._seed, email.lower(), "email")

    def belongs(self, person: Person, value: str) -> bool:
        """Whether the vendors know a phone number or an email address, which a caller brings, as this person's."""
        known = {*person.emails, *(phone.number for phone in person.phones)}
        return value in known or self._happens(0.9, person.mak, value.lower(), "belongs")

    def _happens(self, probability: float, *words: str) -> bool:
        return share(self._seed, *words) < probability

    def _how_many(self, key: str, what: str, most: int) -> int:
        """One at the least for nine in ten, so that most people can be reached."""
        return 0 if not self._happens(0.95, key, what) else 1 + draw(self._seed, key, what, "count") % most

    def _number(self, key: str, state: str, rank: int) -> str:
        return (
            f"{_AREA_CODES.get(state.upper(), _ELSEWHERE)}555{draw(self._seed, key, 'phone', str(rank)) % 10_000:04d}"
        )

    def _email(self, key: str, first: str, last: str, rank: int) -> str:
        number = draw(self._seed, key, "email", str(rank)) % 1_000_000
        return f"{first}.{last}{number:06d}@example.com".lower()
