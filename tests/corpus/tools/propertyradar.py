"""PropertyRadar: the default export without a state, and one with county and state."""

from corpus.columns import (
    OWNER_1,
    OWNER_2,
    ExportColumn,
    columns_of,
    comma_names,
    composed,
    dashes,
    natural_name,
    one_of,
    remark,
    told,
    told_all,
    unused,
)
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import HomeMaker

_DEFAULT = (
    "Type,Address,City,ZIP,Subdivision,Longitude,Latitude,APN,Yr Built,Purchase Date,Purchase Mos Since,Sq Ft,Beds,Baths,Est Value,"
    "Est Equity $,Owner,Mail Address,Mail City,Mail State,Mail ZIP,Owner Occ?,Listed for Sale?,Listing Status,Foreclosure?,"
    "Est Equity %,High Equity?,Primary Name,Primary Mobile Phone1,Primary Mobile 1 Status,Primary Email1,Primary Email 1 Status,"
    "Primary Email1 Hash,Secondary Name,Secondary Mobile Phone1,Secondary Mobile 1 Status,Secondary Email1,Secondary Email 1 Status,"
    "Secondary Email1 Hash"
)
_WITH_PLACE = _DEFAULT.replace("Address,City,ZIP,", "Radar ID,Address,City,State,ZIP,County,", 1)
_ONE_ZERO = one_of(yes="1", no="0")


def _columns(header: str, *more: ExportColumn) -> list[ExportColumn]:
    return columns_of(
        header,
        told("Type", "value.property_type"),
        told("Address", "street", str.upper),
        told("City", "city", str.upper),
        told("ZIP", "zip"),
        unused("Subdivision", path="city", style=str.upper),
        unused("Longitude", "-82.7718"),
        unused("Latitude", "28.0197"),
        *told_all("APN=apn | Yr Built=value.year_built | Purchase Date=value.last_sale_date"),
        unused("Purchase Mos Since", "66"),
        *told_all(
            "Sq Ft=value.building_sqft | Beds=value.bedrooms | Baths=value.bathrooms | Est Value=value.est_value | "
            "Est Equity $=value.est_equity"
        ),
        composed("Owner", comma_names, *OWNER_1, *OWNER_2, "entity"),
        told("Mail Address", "mail.street", str.upper),
        told("Mail City", "mail.city", str.upper),
        told("Mail State", "mail.state"),
        told("Mail ZIP", "mail.zip"),
        told("Owner Occ?", "value.owner_occupied", _ONE_ZERO),
        unused("Listed for Sale?", "0"),
        unused("Foreclosure?", "0"),
        unused("Est Equity %", "52"),
        unused("High Equity?", "1"),
        composed("Primary Name", lambda facts: natural_name(facts).upper(), *OWNER_1),
        told("Primary Mobile Phone1", "phone1.number", dashes),
        remark("Primary Mobile 1 Status", "phone1.status", "phone1.wrong"),
        told("Primary Email1", "email1"),
        remark("Primary Email 1 Status", "email1.status"),
        composed("Secondary Name", lambda facts: natural_name(facts, 2).upper(), *OWNER_2),
        told("Secondary Mobile Phone1", "phone2.number", dashes),
        remark("Secondary Mobile 1 Status", "phone2.status", "phone2.wrong"),
        told("Secondary Email1", "email2"),
        remark("Secondary Email 1 Status", "email2.status"),
        *more,
    )


_ACTIVE = {"phone1.status": "Active", "email1.status": "Active"}
_LINE_TYPES = ("phone1.type", "phone2.type")


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of PropertyRadar."""
    default = ExportFile(
        "propertyradar-default.csv",
        "PropertyRadar",
        "Default export: no state and no county, owners as LAST,FIRST & FIRST, flags as 1 and 0, a second owner with contacts.",
        _columns(_DEFAULT),
        profile="propertyradar",
        verified="yes",
        decisions=[
            "state-from-zip", "apn-without-county", "contacts-of-second-owner", "line-type-in-header", "inactive-phone",
        ],
    )  # fmt: skip
    couple = make.home(
        "couple", dnc="--", emails=2, more=_ACTIVE | {"phone2.type": "mobile", "phone2.status": "Active"}
    )
    default.add(couple, learn=("state", *_LINE_TYPES))
    inactive = make.home("middle", state="MA", dnc="-", more={"phone1.status": "Inactive", "phone1.wrong": "yes"})
    default.add(inactive, learn=("state", *_LINE_TYPES))
    default.add(make.home("trust", absentee=True), learn=("state",))
    with_place = ExportFile(
        "propertyradar-with-county.csv",
        "PropertyRadar",
        "Export with Radar ID, state and county, saved as UTF-8 with a byte order mark.",
        _columns(_WITH_PLACE, unused("Radar ID", "PC95B429"), told("State", "state"), told("County", "county")),
        profile="propertyradar",
        verified="partly",
        form=FileForm(encoding="utf-8-sig"),
        decisions=["contacts-of-second-owner", "line-type-in-header"],
    )
    for facts in (make.home("person", dnc="-", emails=1, more=_ACTIVE), make.home("company"), make.home("couple")):
        with_place.add(facts, learn=_LINE_TYPES)
    return [default, with_place]
