"""Counties by name or by code (FIPS) in the Census Bureau's public table, in any usual spelling.

`counties.csv` is that table: the codes of 2020 with the changes since, and Connecticut's planning regions (2022) beside its
counties. A name alone is no key: `De Kalb`, `DeKalb` and `DEKALB COUNTY` are one county, `St. Louis` and `St. Louis City` two.
"""

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from common.geography.placeholders import capitals_without_accents, is_placeholder
from common.geography.places import STATES, county_name, state_code

_NUMBERS_AND_STATES = (
    "01:AL 02:AK 04:AZ 05:AR 06:CA 08:CO 09:CT 10:DE 11:DC 12:FL 13:GA 15:HI 16:ID 17:IL 18:IN 19:IA 20:KS 21:KY "
    "22:LA 23:ME 24:MD 25:MA 26:MI 27:MN 28:MS 29:MO 30:MT 31:NE 32:NV 33:NH 34:NJ 35:NM 36:NY 37:NC 38:ND 39:OH "
    "40:OK 41:OR 42:PA 44:RI 45:SC 46:SD 47:TN 48:TX 49:UT 50:VT 51:VA 53:WA 54:WV 55:WI 56:WY 60:AS 66:GU 69:MP "
    "72:PR 78:VI"
)
_STATE_NUMBERS = dict(pair.split(":") for pair in _NUMBERS_AND_STATES.split())
"""Number of a state in FIPS codes → its two letters."""
_NUMBER_OF_STATE = {state: number for number, state in _STATE_NUMBERS.items()}
_RENAMED_CODES = {
    "02270": "02158", "12025": "12086", "46113": "46102", "51515": "51019", "51560": "51005", "51780": "51083",
}  # fmt: skip
"""Codes of counties that were renamed or joined to another → today's code."""
_OTHER_NAMES = {
    "FL": {"DADE": "12086", "MIAMI": "12086", "METRO DADE": "12086"},
    "SD": {"SHANNON": "46102"},
    "AK": {"WADE HAMPTON": "02158"},
    "NY": {"MANHATTAN": "36061", "BROOKLYN": "36047", "STATEN ISLAND": "36085", "THE BRONX": "36005"},
    "CT": {"WESTERN": "09190", "SOUTH CENTRAL": "09170", "SOUTHEASTERN": "09180", "NORTHEASTERN": "09150"},
    "DC": {"WASHINGTON": "11001", "WASHINGTON DC": "11001", "DC": "11001", "DIST OF COLUMBIA": "11001"},
    "HI": {"OAHU": "15003"},
    "NV": {"CARSON CITY": "32510"},
    "VA": {
        "BEDFORD CITY": "51019",
        "CLIFTON FORGE": "51005",
        "SOUTH BOSTON": "51083",
        "CLIFTON FORGE CITY": "51005",
        "SOUTH BOSTON CITY": "51083",
    },
    "GA": {"ATHENS CLARKE": "13059", "MACON BIBB": "13021", "AUGUSTA RICHMOND": "13245", "COLUMBUS MUSCOGEE": "13215"},
    "KY": {"LEXINGTON FAYETTE": "21067", "LOUISVILLE JEFFERSON": "21111"},
    "TN": {
        "NASHVILLE DAVIDSON": "47037",
        "METRO NASHVILLE DAVIDSON": "47037",
        "HARTSVILLE TROUSDALE": "47169",
        "LYNCHBURG MOORE": "47127",
    },
    "LA": {"EAST BATON ROUGE": "22033"},
    "VI": {"ST CROIX": "78010", "ST JOHN": "78020", "ST THOMAS": "78030"},
}
_CITY_COUNTY = re.compile(r"\b(?:CONSOLIDATED )?CITY (?:AND|&) (?:COUNTY|BOROUGH)(?: OF\b)?")
_INDEPENDENT_CITY = re.compile(
    r"^(?:INDEP(?:ENDENT)? )?CITY OF | (?:INDEP(?:ENDENT)? )?CITY(?: OF)?$|\bINDEP(?:ENDENT)? CITY\b"
)
_WORD_FOR_KIND = re.compile(
    r"^(?:COUNTY|PARISH|BOROUGH|MUNICIPALITY|MUNICIPIO|TOWN) (?:OF|DE) | (?:COUNTY|PARISH|BOROUGH|CENSUS AREA|MUNICIPALITY|MUNICIPIO|"
    r"(?:PLANNING )?REGION|DISTRICT|CO|CNTY|CTY|PAR|ISLAND DISTRICT)$"
)
_APOSTROPHES = re.compile("['`\u00b4\u2018\u2019\u02bb\u02bc]")
_BRACKETS = re.compile(r"[()\[\],./_-]+")
_WORD_FORMS = {
    "E": "EAST",
    "W": "WEST",
    "N": "NORTH",
    "S": "SOUTH",
    "FT": "FORT",
    "SAINT": "ST",
    "SAINTE": "STE",
    "MT": "MOUNT",
    "&": "AND",
}
_CODE = re.compile(r"([0-9]{3,5})(?:\.0+)?")
_CONNECTICUT = "09"


@dataclass(frozen=True, slots=True)
class County:
    """County or its equivalent: its five-digit code, and its name as in leads and territories."""

    fips: str
    name: str


def parcel_area(fips: str) -> str:
    """Return the code of the area in which a county's parcel numbers are unique: the county.

    Connecticut's counties and planning regions overlap, and files use either. There the area is the whole state.
    """
    return f"{_CONNECTICUT}000" if fips.startswith(_CONNECTICUT) else fips


class _Index:
    """Table of counties by code, and by state and spelling."""

    def __init__(self) -> None:
        self.by_code: dict[str, County] = {}
        self.by_name: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
        with resources.files("common.geography").joinpath("counties.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self._add(row["fips"], row["name"])
        for state, names in _OTHER_NAMES.items():
            for name, fips in names.items():
                self.by_name[state].setdefault(_spelling_key(name), []).append(fips)

    def _add(self, fips: str, name: str) -> None:
        is_city = name.endswith(" city")
        self.by_code[fips] = County(fips, county_name(name) or name.upper())
        names = self.by_name[_STATE_NUMBERS[fips[:2]]]
        key = _spelling_key(_remove_kind(capitals_without_accents(name))[0])
        # A name that a city shares with a county means the county. The city is then found by `Richmond City` only.
        codes = names.setdefault(key, [])
        codes.append(fips) if is_city else codes.insert(0, fips)
        if is_city:
            names.setdefault(f"{key}CITY", []).insert(0, fips)
        if "'s " in name:
            names.setdefault(key.removesuffix("S"), []).append(fips)


@lru_cache(maxsize=1)
def _index() -> _Index:
    return _Index()


def _spelling_key(name: str) -> str:
    """Return the letters of *name*, with words such as `Saint` in one form: `De Kalb` is `DEKALB`."""
    words = _BRACKETS.sub(" ", _APOSTROPHES.sub("", name).replace("&", " & ")).split()
    return "".join(_WORD_FORMS.get(word, word) for word in words)


def _remove_kind(text: str) -> tuple[str, bool]:
    """Return a name in capitals without the word for its kind, and whether it says that it is a city."""
    words = " ".join(_BRACKETS.sub(" ", text).split())
    if _CITY_COUNTY.search(words):
        return _CITY_COUNTY.sub(" ", words).strip(), False
    if (name := _WORD_FOR_KIND.sub("", words)) != words:
        return name, False
    if _INDEPENDENT_CITY.search(words):
        return " ".join(_INDEPENDENT_CITY.sub(" ", words).split()), True
    return words, False


def county_of_code(code: str, state: str) -> County | None:
    """Return the county with a FIPS code, or None if there is none in *state*.

    The code has five digits, four where a spreadsheet dropped the zero, or the three of the county within *state*.
    """
    match = _CODE.fullmatch(code.strip(" '\"="))
    number = _NUMBER_OF_STATE.get(state)
    if not match or number is None:
        return None
    digits = f"{number}{match[1]}" if len(match[1]) == len("103") else match[1].zfill(5)
    county = _index().by_code.get(_RENAMED_CODES.get(digits, digits))
    return county if county and county.fips.startswith(number) else None


@lru_cache(maxsize=8_192)
def counties_named(text: str, state: str) -> tuple[County, ...]:
    """Return the counties of *state* that *text* may mean, the likeliest first.

    *text* is a name in any usual spelling, with or without the word for its kind and the state, or a FIPS code.
    """
    plain_text = capitals_without_accents(_repair_encoding(text)).strip(" '\"=")
    if any(c.isdigit() for c in plain_text):
        county = county_of_code(plain_text, state)
        return (county,) if county else ()
    if is_placeholder(text):
        return ()
    name = _remove_state(plain_text, state)
    if name is None:
        return ()
    by_code = _index().by_code
    return tuple(by_code[code] for code in dict.fromkeys(_codes_of_name(name, state)))


def _codes_of_name(name: str, state: str) -> list[str]:
    names = _index().by_name.get(state, {})
    name_without_kind, says_city = _remove_kind(name)
    key = _spelling_key(name_without_kind)
    codes = names.get(f"{key}CITY" if says_city else key) or names.get(_spelling_key(name)) or []
    if not says_city and _spelling_key(name) != key:
        return codes[:1]  # `Richmond County` is never the city
    return codes


def _repair_encoding(text: str) -> str:
    """Return *text* with UTF-8 that was read as Latin-1 repaired: `Do\u00c3\u00b1a Ana` is `Do\u00f1a Ana`."""
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


def _remove_state(name: str, state: str) -> str | None:
    """Return *name* without the state that it ends or begins with. None if that is another state."""
    parts = [part for part in re.split(r"\s*[,()/]\s*|\s+-\s+", name) if part]
    for part, others in ((parts[-1], parts[:-1]), (parts[0], parts[1:])) if len(parts) > 1 else ():
        if part in STATES or len(part) == len("TX"):
            code = state_code(part)
            if code:
                return " ".join(others) if code == state else None
    words = name.split()
    if len(words) > 1 and words[-1] == state and (state != "CO" or words[-2] == "COUNTY"):
        return " ".join(words[:-1])  # in `WELD CO`, `CO` means county; in `WELD COUNTY CO` it means the state
    return name


@dataclass(frozen=True, slots=True)
class CountyMatch:
    """County of a record, if one is known, and the fields (`county`, `fips`) that could not be used."""

    county: County | None
    dropped: tuple[str, ...]


@lru_cache(maxsize=8_192)
def find_county(name: str, code: str, state: str) -> CountyMatch:
    """Return the county that a record's *name* and FIPS *code* mean in *state*.

    The name has priority over a code that contradicts it: people read names, and spreadsheets damage codes. The code decides
    a name that may mean two counties, such as Richmond in Virginia.
    """
    by_name = counties_named(name, state) if name else ()
    by_code = county_of_code(code, state) if code else None
    dropped = []
    if name and not by_name:
        dropped.append("county")
    if code and (by_code is None or (by_name and by_code not in by_name and not _may_overlap(by_code, by_name[0]))):
        dropped.append("fips")
    county = by_code if by_code in by_name or not by_name else by_name[0]
    return CountyMatch(county, tuple(dropped))


def _may_overlap(first: County, second: County) -> bool:
    return first.fips.startswith(_CONNECTICUT) and second.fips.startswith(_CONNECTICUT)
