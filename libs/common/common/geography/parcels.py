"""Keys of parcels, by which records of one home match."""

from common.geography.counties import parcel_area
from common.geography.placeholders import parcel_number


def build_parcel_key(apn: str, fips: str | None) -> str | None:
    """Return the key of a parcel: the area in which its number is unique, and the number without its punctuation.

    Sources differ in the punctuation. None if the number cannot identify a home
    (`common.geography.placeholders.parcel_number`), or if the code of its county is not known.
    """
    parcel = parcel_number(apn)
    return f"{parcel_area(fips)}|{parcel}" if parcel and fips else None
