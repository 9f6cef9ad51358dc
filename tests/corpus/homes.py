"""Invented homes with their owners, phones and emails. The same seed gives the same homes.

Towns, ZIP codes, counties and area codes are real. Streets, people and amounts are invented. Phones are in 555-0100 to 555-0199,
which films use, and emails end in example.com. No two homes share an address, a parcel number, a phone or an email.
"""

import random
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

Facts = dict[str, str]
"""Facts of a home as text, by path: `street`, `owner1.last`, `phone2.dnc`, `value.est_equity`, `flag.litigator`."""


class Town(NamedTuple):
    """Town with its county and an area code of its region."""

    city: str
    state: str
    zip: str
    county: str
    fips: str
    area_code: str


TOWNS = (
    Town("Dunedin", "FL", "34698", "Pinellas", "12103", "727"),
    Town("Clearwater", "FL", "33755", "Pinellas", "12103", "727"),
    Town("Tampa", "FL", "33609", "Hillsborough", "12057", "813"),
    Town("Orlando", "FL", "32803", "Orange", "12095", "407"),
    Town("Jacksonville", "FL", "32205", "Duval", "12031", "904"),
    Town("Miami", "FL", "33133", "Miami-Dade", "12086", "305"),
    Town("Pasadena", "CA", "91104", "Los Angeles", "06037", "626"),
    Town("Anaheim", "CA", "92801", "Orange", "06059", "714"),
    Town("San Diego", "CA", "92104", "San Diego", "06073", "619"),
    Town("Sacramento", "CA", "95819", "Sacramento", "06067", "916"),
    Town("Mesa", "AZ", "85203", "Maricopa", "04013", "480"),
    Town("Tucson", "AZ", "85716", "Pima", "04019", "520"),
    Town("Denver", "CO", "80210", "Denver", "08031", "303"),
    Town("Austin", "TX", "78704", "Travis", "48453", "512"),
    Town("Dallas", "TX", "75214", "Dallas", "48113", "214"),
    Town("Fort Worth", "TX", "76107", "Tarrant", "48439", "817"),
    Town("Henderson", "NV", "89014", "Clark", "32003", "702"),
    Town("Newton", "MA", "02458", "Middlesex", "25017", "617"),
    Town("Worcester", "MA", "01602", "Worcester", "25027", "508"),
    Town("Montclair", "NJ", "07042", "Essex", "34013", "973"),
    Town("Nashua", "NH", "03060", "Hillsborough", "33011", "603"),
    Town("Decatur", "GA", "30030", "DeKalb", "13089", "404"),
    Town("Raleigh", "NC", "27608", "Wake", "37183", "919"),
    Town("Charlotte", "NC", "28205", "Mecklenburg", "37119", "704"),
    Town("Seattle", "WA", "98117", "King", "53033", "206"),
    Town("Portland", "OR", "97214", "Multnomah", "41051", "503"),
    Town("Columbus", "OH", "43206", "Franklin", "39049", "614"),
    Town("Pittsburgh", "PA", "15217", "Allegheny", "42003", "412"),
)
_STREETS = (
    "Palmetto", "Magnolia", "Cypress", "Juniper", "Hawthorne", "Sycamore", "Bayshore", "Lakeview", "Meadow", "Willow", "Chestnut",
    "Highland", "Jefferson", "Madison", "Lincoln", "Monroe", "Sheridan", "Garfield", "Heron", "Pelican", "Osprey", "Seminole",
    "Arlington", "Belmont", "Carlton", "Edgewater", "Fairmont", "Glenwood", "Hillcrest", "Ironwood", "Lexington", "Mill Creek",
)  # fmt: skip
_STREET_TYPES = ("Ave", "St", "Dr", "Ln", "Ct", "Way", "Blvd")
_FIRST_NAMES = (
    "Marjorie", "Walter", "Dolores", "Harold", "Evelyn", "Raymond", "Gloria", "Eugene", "Beverly", "Stanley", "Rosa", "Luis",
    "Carmen", "Agnes", "Norman", "Yvonne", "Clifford", "Bernice", "Priya", "Anil", "Omar", "Fatima", "Marcel", "Winifred",
    "Cornelius", "Odessa", "Lucille", "Everett", "Barnaby", "Thelma", "Roland", "Iris",
)  # fmt: skip
_LAST_NAMES = (
    "Holt", "Ruiz", "Okafor", "Lindqvist", "Marchetti", "Abernathy", "Castellano", "Dubois", "Eriksen", "Fontaine", "Gallagher",
    "Hargrove", "Ibarra", "Jankowski", "Kowalczyk", "Lombardi", "Novak", "Ortega", "Pemberton", "Thistlewood", "Whitlock",
    "Yarborough", "Zielinski", "Brannigan", "Cavendish", "Featherstone", "Grimaldi", "Hollingsworth",
)  # fmt: skip
_ACCENTED_NAMES = (("José", "Núñez"), ("Renée", "Beauchêne"), ("Søren", "Østergård"), ("Héctor", "Peña"))
_PHONE_TYPES = ("mobile", "landline", "mobile", "voip")
_DNC = {"y": "yes", "n": "no", "-": ""}
_AS_OF = date(2026, 10, 1)


class HomeMaker:
    """Maker of invented homes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._homes = 0
        self._phones: Counter[str] = Counter()
        self._emails: Counter[str] = Counter()

    def home(
        self,
        owner: str = "person",
        *,
        town: str | None = None,
        state: str | None = None,
        unit: bool = False,
        absentee: bool = False,
        dnc: str = "",
        emails: int = 0,
        loans: int = 1,
        more: Mapping[str, str] | None = None,
    ) -> Facts:
        """Return a new home.

        *owner* is `person`, `middle`, `suffix`, `couple`, `two_surnames`, `accents`, `trust` or `company`. *dnc* has one letter for
        each phone: `y` or `n` for its do-not-call flag, `-` for none. *more* are facts to add.
        """
        towns = [one for one in TOWNS if town in (None, one.city) and state in (None, one.state)]
        place = self._random.choice(towns)
        facts = self._address(place, unit=unit)
        self._name_owner(facts, owner)
        self._add_mailing(facts, place, absentee=absentee)
        self._add_building(facts, absentee=absentee)
        self._add_amounts(facts, loans)
        self._add_contacts(facts, place, dnc, emails)
        return facts | dict(more or {})

    def email(self, facts: Facts) -> str:
        """Return a new email that suits the owner."""
        last = facts.get("owner1.last") or facts["entity"].split()[0]
        local = f"{facts.get('owner1.first', 'office')}.{last}".lower()
        local = "".join(letter for letter in local if letter.isascii() and (letter.isalpha() or letter == "."))
        self._emails[local] += 1
        number = self._emails[local]
        return f"{local}{number if number > 1 else ''}@example.com"

    def phone(self, area_code: str) -> str:
        """Return a new phone of ten digits. Raise ValueError if the area code has no more."""
        used = self._phones[area_code]
        if used >= 100:
            raise ValueError(f"no more numbers in {area_code}")
        self._phones[area_code] += 1
        return f"{area_code}55501{(used * 37 + 42) % 100:02d}"

    def _address(self, place: Town, *, unit: bool) -> Facts:
        number = self._homes
        self._homes += 1
        street = f"{_STREETS[number % len(_STREETS)]} {self._random.choice(_STREET_TYPES)}"
        direction = self._random.choice(("", "", "N ", "S ", "E ", "W "))
        parcel = f"{4_108_310 + number * 7_919:09d}{number * 31 % 1000:03d}"
        return {
            "street": f"{118 + number * 13} {direction}{street}",
            "unit": f"{self._random.randint(2, 19)}{self._random.choice('ABCD')}" if unit else "",
            "city": place.city,
            "state": place.state,
            "zip": place.zip,
            "county": place.county,
            "fips": place.fips,
            "apn": f"{parcel[:3]}-{parcel[3:6]}-{parcel[6:9]}-{parcel[9:]}",
            "mak": str(2_153_275_541 + number * 48_611),
        }

    def _name_owner(self, facts: Facts, owner: str) -> None:
        first, last = self._random.choice(_FIRST_NAMES), self._random.choice(_LAST_NAMES)
        if owner == "accents":
            first, last = self._random.choice(_ACCENTED_NAMES)
        if owner == "trust":
            facts["entity"] = f"{last} Family Trust"
            return
        if owner == "company":
            facts["entity"] = f"{last} Homes LLC"
            return
        facts |= {"owner1.first": first, "owner1.last": last}
        if owner in {"middle", "suffix"}:
            facts["owner1.middle"] = self._random.choice("ABJKMQRT")
        if owner == "suffix":
            facts["owner1.suffix"] = "Jr"
        if owner in {"couple", "two_surnames"}:
            others = [name for name in _FIRST_NAMES if name != first]
            facts["owner2.first"] = self._random.choice(others)
            facts["owner2.last"] = last
        if owner == "two_surnames":
            facts["owner2.last"] = self._random.choice([name for name in _LAST_NAMES if name != last])

    def _add_mailing(self, facts: Facts, place: Town, *, absentee: bool) -> None:
        mailbox = self._random.choice([one for one in TOWNS if one.state != place.state]) if absentee else place
        facts |= {
            "mail.street": f"PO Box {self._random.randint(101, 9_899)}" if absentee else facts["street"],
            "mail.unit": "" if absentee else facts["unit"],
            "mail.city": mailbox.city,
            "mail.state": mailbox.state,
            "mail.zip": mailbox.zip,
        }

    def _add_building(self, facts: Facts, *, absentee: bool) -> None:
        facts |= {
            "value.property_type": self._random.choice(("Single Family", "Condominium", "Townhouse")),
            "value.bedrooms": str(self._random.randint(2, 5)),
            "value.bathrooms": self._random.choice(("1", "2", "2.5", "3")),
            "value.building_sqft": str(self._random.randint(900, 3_900)),
            "value.lot_sqft": str(self._random.randint(3_000, 19_000)),
            "value.year_built": str(self._random.randint(1931, 2014)),
            "value.owner_occupied": "no" if absentee else "yes",
            "value.vacant": "no",
        }

    def _add_amounts(self, facts: Facts, loans: int) -> None:
        value = self._random.randint(211, 884) * 1_000
        balance = value * self._random.randint(120, 680) // 1_000 // 100 * 100 if loans else 0
        sold = _AS_OF - timedelta(days=self._random.randint(900, 12_000))
        facts |= {
            "value.est_value": str(value),
            "value.est_equity": str(value - balance),
            "value.est_ltv": f"{100 * balance / value:.1f}",
            "value.open_loans": str(loans),
            "value.open_loan_balance": str(balance),
            "value.last_sale_date": sold.isoformat(),
            "value.last_sale_amount": str(value * 6 // 10 // 500 * 500),
        }

    def _add_contacts(self, facts: Facts, place: Town, dnc: str, emails: int) -> None:
        for number, flag in enumerate(dnc, start=1):
            facts |= {
                f"phone{number}.number": self.phone(place.area_code),
                f"phone{number}.type": _PHONE_TYPES[(number - 1) % len(_PHONE_TYPES)],
                f"phone{number}.dnc": _DNC[flag],
            }
        for number in range(1, emails + 1):
            facts[f"email{number}"] = self.email(facts)
