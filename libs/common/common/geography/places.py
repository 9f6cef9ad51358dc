"""Normal form of states, counties and ZIP codes, so that records match their territory and each other."""

import re
import unicodedata
from functools import lru_cache

STATES = {
    "ALABAMA": "AL", "ALASKA": "AK", "ARIZONA": "AZ", "ARKANSAS": "AR", "CALIFORNIA": "CA", "COLORADO": "CO",
    "CONNECTICUT": "CT", "DELAWARE": "DE", "FLORIDA": "FL", "GEORGIA": "GA", "HAWAII": "HI", "IDAHO": "ID",
    "ILLINOIS": "IL", "INDIANA": "IN", "IOWA": "IA", "KANSAS": "KS", "KENTUCKY": "KY", "LOUISIANA": "LA", "MAINE": "ME",
    "MARYLAND": "MD", "MASSACHUSETTS": "MA", "MICHIGAN": "MI", "MINNESOTA": "MN", "MISSISSIPPI": "MS", "MISSOURI": "MO",
    "MONTANA": "MT", "NEBRASKA": "NE", "NEVADA": "NV", "NEW HAMPSHIRE": "NH", "NEW JERSEY": "NJ", "NEW MEXICO": "NM",
    "NEW YORK": "NY", "NORTH CAROLINA": "NC", "NORTH DAKOTA": "ND", "OHIO": "OH", "OKLAHOMA": "OK", "OREGON": "OR",
    "PENNSYLVANIA": "PA", "RHODE ISLAND": "RI", "SOUTH CAROLINA": "SC", "SOUTH DAKOTA": "SD", "TENNESSEE": "TN",
    "TEXAS": "TX", "UTAH": "UT", "VERMONT": "VT", "VIRGINIA": "VA", "WASHINGTON": "WA", "WEST VIRGINIA": "WV",
    "WISCONSIN": "WI", "WYOMING": "WY", "DISTRICT OF COLUMBIA": "DC", "PUERTO RICO": "PR", "GUAM": "GU",
    "VIRGIN ISLANDS": "VI", "AMERICAN SAMOA": "AS", "NORTHERN MARIANA ISLANDS": "MP",
}  # fmt: skip
"""States and territories of the United States by name."""

_CODES = {name.replace(" ", ""): code for name, code in STATES.items()} | {code: code for code in STATES.values()}
_PUNCTUATION = str.maketrans({"'": None, "\u2019": None, ".": " ", "-": " ", ",": " "})
_ZIP = re.compile(r"([0-9]{3,5})(?:\.0+)?(?:-?([0-9]{4}))?")
_KIND_OF_COUNTY = re.compile(r"^COUNTY OF | (?:COUNTY|PARISH|CITY AND BOROUGH|BOROUGH|CENSUS AREA|MUNICIPALITY|CO)$")
_STATES_BY_ZIP = (
    "005 NY,006-007 PR,008 VI,009 PR,010-027 MA,028-029 RI,030-038 NH,039-049 ME,050-054 VT,055 MA,056-059 VT,"
    "060-069 CT,070-089 NJ,100-149 NY,150-196 PA,197-199 DE,200 DC,201 VA,202-205 DC,206-219 MD,220-246 VA,"
    "247-268 WV,270-289 NC,290-299 SC,300-319 GA,320-339 FL,341-349 FL,350-369 AL,370-385 TN,386-397 MS,398-399 GA,"
    "400-427 KY,430-459 OH,460-479 IN,480-499 MI,500-528 IA,530-549 WI,550-567 MN,570-577 SD,580-588 ND,590-599 MT,"
    "600-629 IL,630-658 MO,660-679 KS,680-693 NE,700-714 LA,716-729 AR,730-732 OK,733 TX,734-749 OK,750-799 TX,"
    "800-816 CO,820-831 WY,832-838 ID,840-847 UT,850-865 AZ,870-884 NM,885 TX,889-898 NV,900-961 CA,967-968 HI,"
    "969 GU,970-979 OR,980-994 WA,995-999 AK"
)
_STATE_OF_ZIP = {
    f"{prefix:03d}": state
    for span, state in (entry.split(" ") for entry in _STATES_BY_ZIP.split(","))
    for prefix in range(int(span[:3]), int(span[-3:]) + 1)
}


@lru_cache(maxsize=1_024)
def state_code(text: str) -> str | None:
    """Return the two letters of a state for its letters or name, in any case, with any spaces and full stops. Else None."""
    return _CODES.get("".join(text.upper().replace(".", "").split()))


def zip_code(text: str) -> str | None:
    """Return the five digits of a ZIP code or ZIP+4, or None.

    Spreadsheets drop leading zeros and write `33755.0`. Careful users write `="02108"`.
    """
    match = _ZIP.fullmatch(text.strip(" \t='\""))
    return match[1].zfill(5) if match and match[1].strip("0") else None


def state_of_zip(code: str) -> str | None:
    """Return the state of most addresses of a ZIP code. Some ZIP codes cross a border."""
    return _STATE_OF_ZIP.get(code[:3])


@lru_cache(maxsize=4_096)
def county_name(text: str) -> str | None:
    """Return a county's name in capitals, without accents, punctuation and the word for its kind, or None.

    `St. Tammany Parish` is `ST TAMMANY`.
    """
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = text.upper().translate(_PUNCTUATION).split()
    name = _KIND_OF_COUNTY.sub("", " ".join("ST" if word == "SAINT" else word for word in words))
    return name if name not in {"", "COUNTY"} else None
