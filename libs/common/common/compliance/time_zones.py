"""States and time zones in which a person may be, by phone number or address.

Nothing here guesses. A number or address that leaves two zones possible gives both; an unknown one gives none (ADR 13;
docs/hazards.md, S25).

- Area codes: the time zones of every exchange of the area code, from the tables of phonenumbers. So a number that moved
  within its area code is covered. phonenumbers names states only with 170 MB of place names (9.0.43). The states are
  therefore copied here, and a test compares them.
- ZIP codes: the first three digits decide, from the library zipcodes 3.0.0 (November 2026). A test compares all 42,000 ZIP
  codes. Towns that use their neighbour's time were added by hand.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from phonenumbers.tzdata import TIMEZONE_DATA

from common.geography.places import state_of_zip

_ZONES = {
    "R": "America/Puerto_Rico", "E": "America/New_York", "C": "America/Chicago", "M": "America/Denver", "Z": "America/Phoenix",
    "P": "America/Los_Angeles", "K": "America/Anchorage", "A": "America/Adak", "H": "Pacific/Honolulu", "G": "Pacific/Guam",
    "S": "Pacific/Pago_Pago",
}  # fmt: skip
_BY_STATE = (
    "AK KAP,AL CE,AR C,AS S,AZ ZM,CA P,CO M,CT E,DC E,DE E,FL EC,GA E,GU G,HI H,IA C,ID MP,IL C,IN EC,KS CM,KY EC,LA C,MA E,"
    "MD E,ME E,MI EC,MN C,MO C,MP G,MS C,MT M,NC E,ND CM,NE CM,NH E,NJ E,NM M,NV PM,NY E,OH E,OK CM,OR PM,PA E,PR R,RI E,"
    "SC E,SD CM,TN CE,TX CM,UT M,VA E,VI R,VT E,WA P,WI C,WV E,WY M"
)
_BY_ZIP = (
    "AK 995 KA,996-998 K,999 KP;AL 350-367 C,368 CE,369 C;AZ 850-859 Z,860 ZM,863-864 Z,865 ZM;FL 320-323 E,324 EC,325 C,"
    "326-349 E;ID 832-834 M,835 MP,836-837 M,838 P;IN 460-462 E,463-464 C,465 EC,466-468 E,469 EC,470-474 E,475 EC,476-477 C,"
    "478 E,479 EC;KS 660-676 C,677-678 CM,679 C;KY 400 E,401 EC,402-418 E,420-424 C,425 E,426-427 EC;MI 480-497 E,498-499 EC;"
    "ND 580-584 C,585-586 CM,587-588 C;NE 680-689 C,690-692 CM,693 M;NV 889-897 P,898 PM;OK 730-738 C,739 CM,740-749 C;"
    "OR 970-978 P,979 PM;SD 570-574 C,575-576 CM,577 M;TN 370-372 C,373-374 EC,375 C,376 E,377 EC,378-379 E,380-385 C;"
    "TX 733 C,739 C,750-797 C,798 CM,799 M,885 M"
)
_BY_AREA_CODE = (
    "AK 907,AL 205 251 256 334 659 938,AR 327 479 501 870,AS 684,AZ 480 520 602 623 928,CA 209 213 279 310 323 341 350 369 408 415 "
    "424 442 510 530 559 562 619 626 628 650 657 661 669 707 714 738 747 760 805 818 820 831 840 858 909 916 925 949 951,CO 303 "
    "719 720 748 970 983,CT 203 475 860 959,DC 202 771,DE 302,FL 239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 "
    "786 813 850 863 904 941 954,GA 229 404 470 478 678 706 762 770 912 943,GU 671,HI 808,IA 319 515 563 641 712,ID 208 986,IL 217 "
    "224 309 312 331 447 464 618 630 708 730 773 779 815 847 872,IN 219 260 317 463 574 765 812 930,KS 316 620 785 913,KY 270 364 "
    "502 606 859,LA 225 318 337 504 985,MA 339 351 413 508 617 774 781 857 978,MD 227 240 301 410 443 667,ME 207,MI 231 248 269 313 "
    "517 586 616 734 810 906 947 989,MN 218 320 507 612 651 763 952,MO 235 314 417 557 573 636 660 816 975,MP 670,MS 228 601 662 "
    "769,MT 406,NC 252 336 472 704 743 828 910 919 980 984,ND 701,NE 308 402 531,NH 603,NJ 201 551 609 640 732 848 856 862 908 973,"
    "NM 505 575,NV 702 725 775,NY 212 315 329 332 347 363 516 518 585 607 631 646 680 716 718 838 845 914 917 929 934,OH 216 220 "
    "234 283 326 330 380 419 440 513 567 614 740 937,OK 405 539 572 580 918,OR 458 503 541 971,PA 215 223 267 272 412 445 484 570 "
    "582 610 717 724 814 835 878,PR 787 939,RI 401,SC 803 821 839 843 854 864,SD 605,TN 423 615 629 731 865 901 931,TX 210 214 254 "
    "281 325 346 361 409 430 432 469 512 682 713 726 737 806 817 830 832 903 915 936 940 945 956 972 979,UT 385 435 801,VA 276 434 "
    "540 571 686 703 757 804 826 948,VI 340,VT 802,WA 206 253 360 425 509 564,WI 262 274 353 414 534 608 715 920,WV 304 681,WY 307"
)
_OVERLAYS = {"930": "812", "364": "270", "448": "850", "458": "541", "689": "407"}
"""Overlay area codes that phonenumbers puts on one side of a time zone border (689 on the wrong side) → the older code."""

_ADDED_ZONES = {"334": "E", "402": "M", "531": "M", "580": "M"}
"""Area codes with towns that use a neighbour's time: Phenix City, Alabama; Cody, Nebraska, and overlay; Kenton, Oklahoma."""

_NUMBER = re.compile(r"\+1([2-9][0-9]{2})[2-9][0-9]{6}")
_STATE_OF_AREA_CODE = {code: entry[:2] for entry in _BY_AREA_CODE.split(",") for code in entry[3:].split(" ")}
_ZONES_OF_STATE = {entry[:2]: entry[3:] for entry in _BY_STATE.split(",")}
_ZONES_OF_ZIP = {
    (entry[:2], f"{prefix:03d}"): zones
    for entry in _BY_ZIP.split(";")
    for span, zones in (part.split(" ") for part in entry[3:].split(","))
    for prefix in range(int(span[:3]), int(span[-3:]) + 1)
}
_ABROAD = ("96799", "96939", "9694", "96960", "96970")
"""American Samoa, Palau, Micronesia and the Marshall Islands: inside the ZIP codes of Hawaii and Guam, not in their zones."""

NO_PLACES: frozenset["TimeZonePlace"] = frozenset()
"""Places of a person of whom no place is known."""


class TimeZonePlace(NamedTuple):
    """State, by its two letters, and an IANA time zone that may apply there."""

    state: str
    zone: str


def state_of_area_code(code: str) -> str | None:
    """Return the state of an area code (three digits), or None outside the United States and for toll-free numbers."""
    return _STATE_OF_AREA_CODE.get(code)


def places_of_number(number: str | None) -> frozenset[TimeZonePlace]:
    """Return the places of a phone number (E.164) by its area code. Empty without an area code of the United States."""
    match = _NUMBER.fullmatch(number or "")
    return _places_of_area_code(match[1]) if match else NO_PLACES


@lru_cache(maxsize=65_536)
def places_of_address(state: str | None, zip_code: str | None) -> frozenset[TimeZonePlace]:
    """Return the places of an address by its state (two letters) and its ZIP code (five digits); one of them may be missing.

    Where they contradict each other both count, with all zones of the state. Empty if neither is known, or if one is outside
    the United States.
    """
    state_by_zip = state_of_zip(zip_code) if zip_code else None
    if (zip_code and (not state_by_zip or zip_code.startswith(_ABROAD))) or (state and state not in _ZONES_OF_STATE):
        return NO_PLACES
    found = (
        _places(state_by_zip, _ZONES_OF_ZIP.get((state_by_zip, (zip_code or "")[:3]))) if state_by_zip else NO_PLACES
    )
    return found if state in {None, "", state_by_zip} else found | _places(str(state))


def _places(state: str, zones: str | None = None) -> frozenset[TimeZonePlace]:
    return frozenset(TimeZonePlace(state, _ZONES[zone]) for zone in zones or _ZONES_OF_STATE[state])


@lru_cache(maxsize=1_024)
def _places_of_area_code(code: str) -> frozenset[TimeZonePlace]:
    state = state_of_area_code(code)
    if state is None:
        return NO_PLACES
    known = _zones_of_area_codes()
    zones = known.get(code, frozenset()) | known.get(_OVERLAYS.get(code, code), frozenset())
    added = _places(state, _ADDED_ZONES[code]) if code in _ADDED_ZONES else NO_PLACES
    return frozenset(TimeZonePlace(state, zone) for zone in zones) | added or _places(state)


@lru_cache(maxsize=1)
def _zones_of_area_codes() -> dict[str, frozenset[str]]:
    """Return the zones of all exchanges of each area code. phonenumbers keeps them by the first digits of numbers."""
    zones: dict[str, frozenset[str]] = {}
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and prefix != "1":
            zones[prefix[1:4]] = zones.get(prefix[1:4], frozenset()).union(names)
    return zones
