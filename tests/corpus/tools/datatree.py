"""DataTree and CoreLogic: parcels by SITUS columns, with numbers that the export protects from spreadsheets."""

from corpus.columns import (
    OWNER_1,
    ExportColumn,
    as_formula,
    bare_digits,
    columns_of,
    comma_names,
    composed,
    second,
    told,
    unused,
    upper,
    whole_address,
    whole_mailing_address,
)
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import Facts, HomeMaker
from corpus.tools.listsource import street_parts

_DATATREE = (
    "APN - FORMATTED,APN - UNFORMATTED,ALTERNATE APN,COUNTY,SITUS FULL ADDRESS,SITUS STREET ADDRESS,SITUS UNIT NUMBER,SITUS CITY,"
    "SITUS STATE,SITUS ZIP CODE,OWNER MAILING NAME,OWNER 1 FULL NAME,OWNER 2 FULL NAME,OWNER 3 FULL NAME,MAILING FULL ADDRESS,"
    "MAILING STREET ADDRESS,MAIL CITY,MAIL STATE,MAIL ZIP/ZIP+4,LOT AREA,LOT ACREAGE,MARKET TOTAL VALUE,MARKET IMPROVEMENT VALUE,"
    "LEGAL DESCRIPTION,FLOOD ZONE CODE,INSIDE SFHA,LATITUDE,LONGITUDE"
)
_CORELOGIC = (
    "FIPS CODE,APN (PARCEL NUMBER UNFORMATTED),LAND USE CODE,PROPERTY INDICATOR CODE,SITUS HOUSE NUMBER,SITUS HOUSE NUMBER SUFFIX,"
    "SITUS HOUSE NUMBER 2,SITUS DIRECTION,SITUS STREET NAME,SITUS MODE,SITUS QUADRANT,SITUS UNIT NUMBER,SITUS CITY,SITUS STATE,"
    "SITUS ZIP CODE,SITUS COUNTY,OWNER 1 FULL NAME,OWNER 1 LAST NAME,OWNER 1 FIRST NAME & MIDDLE INITIAL,YEAR BUILT,"
    "PARCEL LEVEL LATITUDE,PARCEL LEVEL LONGITUDE"
)


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of DataTree and CoreLogic."""
    return [_datatree(make), _corelogic(make)]


def _last_comma_first(facts: Facts) -> str:
    return comma_names({name: text for name, text in facts.items() if not name.startswith("owner2")})


def _second_owner(facts: Facts) -> str:
    return f"{facts['owner2.last']},{facts['owner2.first']}".upper() if facts.get("owner2.last") else ""


_DATATREE_COLUMNS = columns_of(
    _DATATREE,
    told("APN - FORMATTED", "apn", as_formula),
    second("APN - UNFORMATTED", "apn", lambda apn: as_formula(bare_digits(apn))),
    told("COUNTY", "county", upper),
    composed("SITUS FULL ADDRESS", lambda facts: whole_address(facts).upper()),
    told("SITUS STREET ADDRESS", "street", upper),
    told("SITUS UNIT NUMBER", "unit"),
    told("SITUS CITY", "city", upper),
    told("SITUS STATE", "state"),
    told("SITUS ZIP CODE", "zip", as_formula),
    composed("OWNER MAILING NAME", lambda facts: _last_comma_first(facts).replace(",", " ")),
    composed("OWNER 1 FULL NAME", _last_comma_first, *OWNER_1, "entity"),
    composed("OWNER 2 FULL NAME", _second_owner, "owner2.first", "owner2.last"),
    composed("MAILING FULL ADDRESS", lambda facts: whole_mailing_address(facts).upper()),
    told("MAILING STREET ADDRESS", "mail.street", upper),
    told("MAIL CITY", "mail.city", upper),
    told("MAIL STATE", "mail.state"),
    told("MAIL ZIP/ZIP+4", "mail.zip", lambda code: as_formula(f"{code}-0312")),
    told("LOT AREA", "value.lot_sqft"),
    second("LOT ACREAGE", "value.lot_sqft", lambda area: f"{int(area) / 43_560:.4f}"),
    unused("MARKET TOTAL VALUE", "2026 - $301,000"),
    unused("LEGAL DESCRIPTION", 'LOT 4 BLK 2 "HIGHLAND PARK"'),
    unused("INSIDE SFHA", "FALSE"),
)


def _datatree(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "datatree-parcels.csv",
        "DataTree",
        'Parcels with SITUS columns: numbers as ="0123", owners as LAST,FIRST, quotes inside a cell, all in capitals.',
        _DATATREE_COLUMNS,
        profile="datatree",
        verified="yes",
        decisions=["assessed-values"],
    )
    return file.add_all(
        make.home("middle", town="Nashua"),
        make.home("two_surnames", unit=True),
        make.home("trust", absentee=True),
        make.home("person", town="Worcester"),
    )


def _street_part(header: str, name: str, *tells: str) -> ExportColumn:
    return ExportColumn(header, lambda facts: street_parts(facts)[name], tells)


def _corelogic(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        _CORELOGIC,
        told("FIPS CODE", "fips"),
        told("APN (PARCEL NUMBER UNFORMATTED)", "apn", bare_digits),
        unused("PROPERTY INDICATOR CODE", "10"),
        _street_part("SITUS HOUSE NUMBER", "number", "street"),
        _street_part("SITUS DIRECTION", "direction"),
        _street_part("SITUS STREET NAME", "name"),
        _street_part("SITUS MODE", "type"),
        *(
            ExportColumn(f"SITUS {name}", lambda _: "")
            for name in ("HOUSE NUMBER SUFFIX", "HOUSE NUMBER 2", "QUADRANT")
        ),
        told("SITUS UNIT NUMBER", "unit"),
        told("SITUS CITY", "city", upper),
        told("SITUS STATE", "state"),
        told("SITUS ZIP CODE", "zip", lambda code: f"{code}0000"),
        told("SITUS COUNTY", "county", upper),
        composed("OWNER 1 FULL NAME", lambda facts: _last_comma_first(facts).replace(",", " "), "entity"),
        told("OWNER 1 LAST NAME", "owner1.last", upper),
        told("OWNER 1 FIRST NAME & MIDDLE INITIAL", "owner1.first", upper),
        told("YEAR BUILT", "value.year_built"),
    )
    file = ExportFile(
        "corelogic-street-in-parts.txt",
        "DataTree",
        "CoreLogic layout: the street in parts, nine digits of ZIP code without a dash, a parcel number without separators.",
        columns,
        profile="corelogic",
        verified="partly",
        form=FileForm(delimiter="|"),
        decisions=["street-in-parts"],
    )
    return file.add_all(make.home("person"), make.home("person", unit=True), make.home("company"))
