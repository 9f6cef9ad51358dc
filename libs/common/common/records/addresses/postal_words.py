"""Words of postal addresses and their standard forms, after USPS Publication 28.

Street types, directions, states and units come from usaddress-scourgify; this module adds only what its tables lack.
"""

from scourgify.address_constants import (
    DIRECTIONAL_REPLACEMENTS,
    LONGHAND_STREET_TYPES,
    OCCUPANCY_TYPE_ABBREVIATIONS,
    STREET_TYPE_ABBREVIATIONS,
)

DIRECTIONS: dict[str, str] = {
    **DIRECTIONAL_REPLACEMENTS,
    **{short: short for short in DIRECTIONAL_REPLACEMENTS.values()},
}

SUFFIXES: dict[str, str] = {
    word: short for word, short in STREET_TYPE_ABBREVIATIONS.items() if " " not in word and word != "CR"
}
"""Every word of appendix C1 that may be the last word of a street, with its standard abbreviation.

`CR` is not in appendix C1. The library reads it as a creek, many counties write it for a circle.
"""
SUFFIXES |= {"COMMONS": "CMNS", "CROSSROADS": "XRDS", "FORGES": "FRGS"}
SUFFIXES |= {short: short for short in SUFFIXES.values()}

TYPES_NEVER_ALONE = frozenset({
    "ALLEY", "ALY", "AV", "AVE", "AVENUE", "BLVD", "BOULEVARD", "CIR", "CIRCLE", "COURT", "CT", "DR", "DRIVE", "HIGHWAY",
    "HWY", "LANE", "LN", "PARKWAY", "PKWY", "PL", "PLACE", "RD", "ROAD", "ROUTE", "RTE", "ST", "STREET", "TER",
})  # fmt: skip
"""Street types that are no street without a name: `100 ST` lacks one."""

_SEVERAL_MEANINGS = {"ARC", "CP", "CT", "DR", "EST", "FT", "IS", "KY", "LF", "ML", "MT", "PR", "ST", "UN", "VIA", "VL"}
NAME_WORDS: dict[str, str] = {
    short: word
    for short, word in LONGHAND_STREET_TYPES.items()
    if " " not in short and word not in {short, f"{short}S"} and short not in _SEVERAL_MEANINGS
}
"""Street types within a name, which Publication 28 (section 234) spells out: `LK SHORE DR` is `LAKE SHORE DR`.

Only an abbreviation and its own word are the same. Plurals stay separate, and so do abbreviations with several meanings.
"""
NAME_WORDS |= {
    "FRST": "FOREST",
    "AV": "AVENUE",
    "SAINT": "ST",
    "MOUNT": "MT",
    "MNT": "MT",
    "FORT": "FT",
    "SAINTE": "STE",
}
NAME_WORDS |= {
    "DOCTOR": "DR",
    "&": "AND",
    "BUS": "BUSINESS",
    "ALT": "ALTERNATE",
    "BYP": "BYPASS",
    "CNTY": "COUNTY",
    "RT": "ROUTE",
}

NUMBERED_TYPES = frozenset({"RD", "HWY", "RTE", "LOOP", "SPUR", "TRL", "AVE"})
"""Street types that may have a number for a name behind them: `FOREST RD 12`."""

DESIGNATORS = frozenset({
    "#", "APARTMENT", "APT", "APMT", "UNIT", "SUITE", "STE", "LOT", "SPACE", "SPC", "TRAILER", "TRLR", "ROOM", "RM",
    "NUMBER", "NUM", "NO",
})  # fmt: skip
"""Names of a unit that some sources give and others omit: they are not part of its form."""
UNIT_PARTS: dict[str, str] = {
    word: {"UPPER": "UPPR"}.get(short, short)
    for word, short in OCCUPANCY_TYPE_ABBREVIATIONS.items()
    if word not in DESIGNATORS
}
"""The other words of appendix C2, which distinguish units."""
UNIT_PARTS |= {"FLR": "FL", "HANGAR": "HNGR"}
UNIT_PARTS |= {short: short for short in UNIT_PARTS.values()}
PARTS_WITHOUT_NUMBER = frozenset({"BSMT", "FRNT", "LBBY", "LOWR", "OFC", "PH", "REAR", "SIDE", "UPPR"})
"""Parts that appendix C2 allows without a number."""
DESIGNATORS_IN_NAMES = frozenset(
    {"DEPT", "FRNT", "FRONT", "HANGAR", "HNGR", "KEY", "NO", "OFC", "OFFICE", "PIER", "RM", "SIDE", "SLIP", "STOP"}
)
"""Words that begin a unit only after a complete street: `RM 620` is a road, `100 Pine Key 4` a street."""

_ROUTE_WORDS = {word: short for word, short in SUFFIXES.items() if short in {"HWY", "RD"}}
ROUTE_WORDS: dict[str, str] = {**_ROUTE_WORDS, "ROUTE": "RTE", "RT": "RTE", "RTE": "RTE"}
"""The words that make up the names of numbered roads."""
ROUTES: dict[str, str] = {
    spelling: name
    for name, spellings in {
        "US HWY": "US HWY,US RTE,US,U S HWY,U S,UNITED STATES HWY,HWY US",
        "INTERSTATE": "INTERSTATE,INTERSTATE HWY,I,IH,I HWY",
        "STATE HWY": "STATE HWY,STATE RD,STATE RTE,STATE TRUNK HWY,ST HWY,ST RD,ST RTE,SR,SH,STH,S R,S H",
        "COUNTY RD": "COUNTY RD,CO RD,CNTY RD,CTY RD,CR,C R",
        "COUNTY HWY": "COUNTY HWY,CO HWY,CNTY HWY,CTY HWY,CTH,COUNTY TRUNK HWY,COUNTY TRUNK",
        "COUNTY RTE": "COUNTY RTE,CO RTE,CNTY RTE,CTY RTE",
        "FM": "FM,FM RD,FM HWY,HWY FM,F M,F M RD,FARM TO MARKET,FARM TO MARKET RD,FARM TO MARKET HWY,FARM MARKET RD",
        "RM": "RM,RM RD,R M,RANCH TO MARKET,RANCH TO MARKET RD",
        "RANCH RD": "RANCH RD,RR",
        "TOWNSHIP RD": "TOWNSHIP RD,TWP RD,TSR",
        "TOWNSHIP HWY": "TOWNSHIP HWY,TWP HWY",
        "TOWNSHIP RTE": "TOWNSHIP RTE,TWP RTE",
        "FOREST SERVICE RD": "FOREST SERVICE RD,FS RD,FSR,F S RD,USFS RD,US FOREST SERVICE RD",
        "FOREST RD": "FOREST RD",
        "PRIVATE RD": "PRIVATE RD,PVT RD",
        "HWY": "HWY",
        "RTE": "RTE",
        "RD": "RD",
        "M": "M,M HWY",
        "K": "K,K HWY",
        "LOOP": "LOOP,LP",
        "SPUR": "SPUR",
    }.items()
    for spelling in spellings.split(",")
}
"""Numbered roads (Publication 28, appendix F): each spelling, after ROUTE_WORDS, with its normal form."""
LETTERED_ROUTES = frozenset({"STATE HWY", "COUNTY RD", "COUNTY HWY", "COUNTY RTE", "HWY", "RTE"})
"""Kinds of roads that have letters for numbers, such as `County Road AB`."""
ROUTES_THAT_MAY_BE_STREETS = frozenset(
    {"FOREST RD", "K", "LOOP", "LP", "M", "PRIVATE RD", "RANCH RD", "RD", "SPUR", "STATE RD"}
)
"""Roads that are streets without a number, too: the number in `FOREST RD # 9` is a unit, that in `HWY # 9` is not."""
