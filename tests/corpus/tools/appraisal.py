"""Files of appraisal districts, of research on commercial property, and of the templates of import tools."""

from collections.abc import Callable

from corpus.columns import MAILING as MAILING_PATHS
from corpus.columns import (
    OWNERS,
    ExportColumn,
    assessor_names,
    composed,
    money,
    natural_names,
    parentheses,
    phone_columns,
    second,
    told,
    told_all,
    unused,
    upper,
    us_date,
    whole_mailing_address,
)
from corpus.expected import ExpectedRefusal
from corpus.export import ExportFile
from corpus.homes import Facts, HomeMaker

_DIRECTIONS = frozenset("NSEW")


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of appraisal districts, of commercial property and of templates."""
    return [_pacs(make), _texas_layer(make), _commercial(make), _template(make), _template_with_consent(make)]


def _street_part(number: int) -> Callable[[Facts], str]:
    """Return a writer of house number, direction, name or kind of the street."""

    def write(facts: Facts) -> str:
        words = facts["street"].upper().split()
        direction = words.pop(1) if words[1] in _DIRECTIONS else ""
        return (words[0], direction, " ".join(words[1:-1]), words[-1])[number]

    return write


def _street_columns(*headers: str) -> list[ExportColumn]:
    return [composed(header, _street_part(number), "street") for number, header in enumerate(headers)]


def _pacs(make: HomeMaker) -> ExportFile:
    columns = [
        second("prop_id", "mak"),
        told("geo_id", "apn"),
        unused("prop_type_cd", "R"),
        unused("prop_val_yr", "2026"),
        composed("file_as_name", assessor_names, *OWNERS),
        told("addr_line1", "mail.street", upper),
        told("addr_line2", "mail.unit", lambda unit: f"APT {unit}"),
        second("addr_line3"),
        told("addr_city", "mail.city", upper),
        *told_all("addr_state=mail.state | addr_zip=mail.zip"),
        *_street_columns("situs_num", "situs_street_prefx", "situs_street", "situs_street_sufix"),
        told("situs_unit", "unit"),
        told("situs_city", "city", upper),
        told("situs_zip", "zip"),
        unused("legal_desc", "LOT 4 BLK B PALMETTO HEIGHTS"),
        second("legal_acreage"),
        *told_all("yr_blt=value.year_built | living_area=value.building_sqft"),
        unused("market", "301000"),
        unused("appraised_val", "301000"),
        unused("assessed_val", "288410"),
    ]
    file = ExportFile(
        "pacs-appraisal-district.csv", "County assessor",
        "Appraisal district: street in parts, owner's street on up to three lines, no state.", columns,
        profile="pacs", verified="partly", decisions=["street-in-parts", "state-from-zip", "assessed-values", "apn-without-county"],
    )  # fmt: skip
    for facts in (make.home("couple", unit=True), make.home("company", absentee=True)):
        file.add(facts, learn=("state",))
    facts = make.home("person", unit=True)
    lines = {"addr_line1": "", "addr_line2": facts["street"].upper(), "addr_line3": f"APT {facts['unit']}"}
    file.add(facts, respell=lines, learn=("state",))
    return file


def _texas_layer(make: HomeMaker) -> ExportFile:
    columns = [
        unused("OBJECTID", "7781"),
        told("PROP_ID", "apn"),
        composed("py_owner_name", assessor_names, *OWNERS),
        composed("py_address", whole_mailing_address, *MAILING_PATHS),
        *_street_columns("situs_num", "situs_street_prefx", "situs_street", "situs_street_suffix"),
        told("situs_city", "city", upper),
        *told_all("situs_state=state | situs_zip=zip"),
        unused("market_value", "409695"),
        unused("Shape__Area", "9812.55"),
    ]
    file = ExportFile(
        "pacs-parcel-layer.csv", "County assessor", "Parcel layer of an appraisal district: owner's address in one cell.", columns,
        profile="pacs", verified="partly", decisions=["street-in-parts", "assessed-values", "apn-without-county"],
    )  # fmt: skip
    return file.add_all(make.home("person"), make.home("trust", absentee=True))


def _commercial(make: HomeMaker) -> ExportFile:
    columns = [
        *told_all("Address=street | City=city | State=state | Zip Code=zip | County=county | APN=apn"),
        unused("Asset Type", "Multifamily"),
        told("Building Area (SF)", "value.building_sqft"),
        told("Lot Area (SF)", "value.lot_sqft"),
        told("Year Built", "value.year_built"),
        told("Last Sale Date", "value.last_sale_date", us_date),
        told("Last Sale Price", "value.last_sale_amount", money),
        composed("Reported Owner", natural_names, *OWNERS),
        composed("Reported Owner Address", whole_mailing_address, *MAILING_PATHS),
        unused("Contact 1 Name", "Robin Manager"),
        unused("Contact 1 Title", "Member"),
        *phone_columns(1, "Contact 1 Phone 1,Contact 1 Phone 1 Type", number_style=parentheses),
        told("Contact 1 Email 1", "email1"),
        *phone_columns(2, "Contact 2 Phone 1,Contact 2 Phone 1 Type", number_style=parentheses),
    ]
    file = ExportFile(
        "reonomy-properties.csv", "Reonomy", "Commercial property: reported owner, and contacts that are numbered by person.", columns,
        profile="reonomy", decisions=["name-order"],
    )  # fmt: skip
    return file.add_all(
        make.home("company", dnc="--", emails=1, absentee=True), make.home("person", dnc="--", emails=1)
    )


def _template_columns() -> list[ExportColumn]:
    return [
        *told_all("First Name*=owner1.first | Last Name*=owner1.last | Property Address (required)=street"),
        *told_all("Property Unit (optional)=unit | City (Property)=city | State (Property)=state"),
        *told_all("Property Zip (5 digits)=zip | Address (Mailing)=mail.street | Unit # (Mailing)=mail.unit"),
        *told_all("City (Mailing)=mail.city | State (Mailing)=mail.state | Zip - Mailing=mail.zip"),
        told("Sale Date (MM/DD/YYYY)", "value.last_sale_date", us_date),
        *phone_columns(1, "Contact 1 Phone,Contact 1 Phone Type,Contact 1 Phone DNC (optional)"),
        told("Contact 1 Email (if any)", "email1"),
    ]


def _template(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "template-with-notes.csv", "Generic list", "Template of an import tool: notes behind headers, subjects in brackets.",
        _template_columns(), profile="generic",
    )  # fmt: skip
    file.add_all(
        make.home("person", dnc="y", emails=1, unit=True), make.home("person", dnc="n", emails=1, absentee=True)
    )
    for title in ("Mr. & Mrs.", "DR", "Mr/Mrs"):
        facts = make.home("person", dnc="n", emails=1)
        file.add(facts, respell={"First Name*": f"{title} {facts['owner1.first']}"})
    return file


def _template_with_consent(make: HomeMaker) -> ExportFile:
    header = "Contact 1 OK to Call? (required)"
    file = ExportFile(
        "template-with-consent.csv", "Generic list", "The same with a column that may forbid contact and is not understood.",
        [*_template_columns(), composed(header, lambda _: "No")],
        refusal=ExpectedRefusal(code="bad_columns", headers=[header]),
        decisions=["consent-columns"],
    )  # fmt: skip
    return file.add_all(make.home("person", dnc="-", emails=1))
