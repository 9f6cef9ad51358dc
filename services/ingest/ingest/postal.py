"""The words of postal addresses: what is short for what, after USPS Publication 28."""

from scourgify.address_constants import DIRECTIONAL_REPLACEMENTS, STREET_TYPE_ABBREVIATIONS

DIRECTIONS: dict[str, str] = {
    **DIRECTIONAL_REPLACEMENTS,
    **{short: short for short in DIRECTIONAL_REPLACEMENTS.values()},
}
SUFFIXES = {
    "ALLEY": "ALY", "AV": "AVE", "AVENUE": "AVE", "BEND": "BND", "BOULEVARD": "BLVD", "CIRCLE": "CIR", "COURT": "CT",
    "COVE": "CV", "CREEK": "CRK", "CROSSING": "XING", "DRIVE": "DR", "GLEN": "GLN", "HIGHWAY": "HWY", "LANDING": "LNDG",
    "LANE": "LN", "LOOP": "LOOP", "PARKWAY": "PKWY", "PASS": "PASS", "PATH": "PATH", "PIKE": "PIKE", "PLACE": "PL",
    "POINT": "PT", "RIDGE": "RDG", "ROAD": "RD", "ROW": "ROW", "RUN": "RUN", "SQUARE": "SQ", "STREET": "ST",
    "TERRACE": "TER", "TRACE": "TRCE", "TRAIL": "TRL", "VIEW": "VW", "WALK": "WALK", "WAY": "WAY",
}  # fmt: skip
"""Street types of the fast path, as written and in short."""
SUFFIXES |= {short: short for short in SUFFIXES.values()}

_IN_NAMES = {
    "BAY", "BEACH", "BRANCH", "BRIDGE", "BROOK", "CAMP", "CANYON", "CAPE", "CLUB", "CREEK", "CROSS", "FALLS", "FIELD",
    "FOREST", "FORT", "GARDEN", "GLEN", "GREEN", "GROVE", "HARBOR", "HAVEN", "HILL", "HILLS", "HOLLOW", "INLET",
    "ISLAND", "KEY", "KNOLL", "LAKE", "LAKES", "MANOR", "MEADOW", "MEADOWS", "MILL", "MILLS", "MOUNT", "MOUNTAIN",
    "ORCHARD", "PARK", "PINE", "PINES", "PLAZA", "POINT", "PORT", "PRAIRIE", "RANCH", "RIDGE", "RIVER", "SHORE",
    "SHORES", "SPRING", "SPRINGS", "STATION", "STREAM", "SUMMIT", "UNION", "VALLEY", "VIEW", "VILLAGE", "VISTA",
    "WALL", "WELL", "WELLS",
}  # fmt: skip
"""Street types of which names of streets are full."""
NEVER_IN_NAMES = frozenset(
    {*STREET_TYPE_ABBREVIATIONS, *STREET_TYPE_ABBREVIATIONS.values(), *DIRECTIONS} - _IN_NAMES
    | set("COUNTY STATE BOX AND INTERSTATE PRIVATE UNIT APT STE LOT PO US CO FM SR CR".split())  # noqa: SIM905
)
"""Words that make a street more than a name with a type: for the library."""

ROUTES = {
    "US HWY": "US HWY", "US HIGHWAY": "US HWY", "US": "US HWY", "US ROUTE": "US HWY", "STATE ROAD": "STATE RD",
    "STATE RD": "STATE RD", "SR": "STATE RD", "STATE ROUTE": "STATE RTE", "STATE RTE": "STATE RTE",
    "STATE HIGHWAY": "STATE HWY", "STATE HWY": "STATE HWY", "COUNTY ROAD": "COUNTY RD", "COUNTY RD": "COUNTY RD",
    "CO RD": "COUNTY RD", "CR": "COUNTY RD", "COUNTY HIGHWAY": "COUNTY HWY", "COUNTY HWY": "COUNTY HWY",
    "HIGHWAY": "HWY", "HWY": "HWY", "ROUTE": "RTE", "RTE": "RTE", "RT": "RTE", "FARM TO MARKET RD": "FM",
    "FARM TO MARKET ROAD": "FM", "FM RD": "FM", "FM": "FM",
}  # fmt: skip
"""What stands before the number of a road."""
SAME_WORDS = {
    "SAINT": "ST", "MOUNT": "MT", "FORT": "FT", "FIRST": "1ST", "SECOND": "2ND", "THIRD": "3RD", "FOURTH": "4TH",
    "FIFTH": "5TH", "SIXTH": "6TH", "SEVENTH": "7TH", "EIGHTH": "8TH", "NINTH": "9TH", "TENTH": "10TH",
}  # fmt: skip
"""Two writings of one word in names of streets. The library leaves both; sources do not agree."""

DESIGNATORS = (
    "APARTMENT", "APT", "UNIT", "SUITE", "STE", "LOT", "SPACE", "SPC", "TRAILER", "TRLR", "ROOM", "RM", "NUMBER", "NUM",
    "NO",
)  # fmt: skip
"""What a unit is called: said by one source and not by the next."""
UNIT_PARTS = {
    "BUILDING": "BLDG", "FLOOR": "FL", "PENTHOUSE": "PH", "BASEMENT": "BSMT", "FRONT": "FRNT", "LOWER": "LOWR",
}  # fmt: skip
"""Words that tell one unit from another."""
