"""Files of county assessors: SITUS columns, state rolls, one address column, owners in one column."""

from corpus.columns import (
    ADDRESS,
    MAILING,
    OWNERS,
    ExportColumn,
    assessor_names,
    columns_of,
    composed,
    grouped,
    money,
    second,
    told,
    told_all,
    unused,
    upper,
    us_date,
    whole_address,
    whole_mailing_address,
)
from corpus.expected import ExpectedRefusal
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import Facts, HomeMaker

_FLORIDA_COUNTIES = {"Duval": "26", "Hillsborough": "39", "Miami-Dade": "23", "Orange": "58", "Pinellas": "62"}
"""Numbers of counties at Florida's Department of Revenue. They are not FIPS codes."""


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of county assessors."""
    return [
        _situs(make),
        _florida(make),
        _tarrant(make),
        _one_address(make),
        _one_address_without_commas(make),
        _owner_names(make),
    ]


def _mailing_columns(prefix: str) -> list[ExportColumn]:
    return [
        told(f"{prefix}_ADDR", "mail.street", upper),
        told(f"{prefix}_CITY", "mail.city", upper),
        told(f"{prefix}_STATE", "mail.state"),
        told(f"{prefix}_ZIP", "mail.zip"),
    ]


def _situs(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "OBJECTID,PARCEL_ID,SITUS_ADDR,SITUS_UNIT,SITUS_CITY,SITUS_STATE,SITUS_ZIP,COUNTY,OWNER_NAME,MAIL_ADDR,MAIL_CITY,MAIL_STATE,"
        "MAIL_ZIP,LAND_USE,ACRES,LIVING_AREA,YEAR_BUILT,ASSESSED_VALUE,SALE_DATE,SALE_PRICE,Shape__Area,Shape__Length",
        unused("OBJECTID", "8812"),
        told("PARCEL_ID", "apn"),
        told("SITUS_ADDR", "street", upper),
        told("SITUS_UNIT", "unit"),
        told("SITUS_CITY", "city", upper),
        told("SITUS_STATE", "state"),
        told("SITUS_ZIP", "zip"),
        told("COUNTY", "county", lambda name: f"{name} County".upper()),
        composed("OWNER_NAME", assessor_names, *OWNERS),
        *_mailing_columns("MAIL"),
        unused("LAND_USE", "0100"),
        second("ACRES"),
        told("LIVING_AREA", "value.building_sqft", grouped),
        told("YEAR_BUILT", "value.year_built"),
        unused("ASSESSED_VALUE", "301000"),
        told("SALE_DATE", "value.last_sale_date", lambda day: f"{us_date(day)} 12:00:00 AM"),
        told("SALE_PRICE", "value.last_sale_amount", money),
        unused("Shape__Area", "9812.55"),
        unused("Shape__Length", "402.11"),
    )
    file = ExportFile(
        "assessor-situs.csv", "County assessor", "Parcel layer: SITUS columns, all in capitals, owners in one column.", columns,
        profile="assessor", verified="partly", decisions=["name-order", "assessed-values"],
    )  # fmt: skip
    return file.add_all(make.home("middle"), make.home("couple", unit=True), make.home("company", absentee=True))


_FLORIDA_COLUMNS = columns_of(
    "CO_NO,PARCEL_ID,ASMNT_YR,DOR_UC,JV,AV_SD,LND_VAL,LND_SQFOOT,EFF_YR_BLT,ACT_YR_BLT,TOT_LVG_AREA,NO_BULDNG,NO_RES_UNTS,"
    "SALE_PRC1,SALE_YR1,SALE_MO1,OWN_NAME,OWN_ADDR1,OWN_ADDR2,OWN_CITY,OWN_STATE,OWN_ZIPCD,OWN_STATE_DOM,FIDU_NAME,S_LEGAL,"
    "PHY_ADDR1,PHY_ADDR2,PHY_CITY,PHY_ZIPCD,ALT_KEY",
    told("CO_NO", "county", lambda name: _FLORIDA_COUNTIES[name]),
    told("PARCEL_ID", "apn"),
    unused("ASMNT_YR", "2026"),
    unused("DOR_UC", "001"),
    unused("JV", "318400"),
    unused("AV_SD", "201150"),
    told("LND_SQFOOT", "value.lot_sqft"),
    unused("EFF_YR_BLT", "1996"),
    *told_all("ACT_YR_BLT=value.year_built | TOT_LVG_AREA=value.building_sqft | SALE_PRC1=value.last_sale_amount"),
    unused("SALE_YR1", "2014"),
    unused("SALE_MO1", "06"),
    composed("OWN_NAME", assessor_names, *OWNERS),
    told("OWN_ADDR1", "mail.street", upper),
    told("OWN_ADDR2", "mail.unit", lambda unit: f"APT {unit}"),
    told("OWN_CITY", "mail.city", upper),
    told("OWN_STATE", "mail.state"),
    told("OWN_ZIPCD", "mail.zip"),
    told("PHY_ADDR1", "street", upper),
    told("PHY_ADDR2", "unit", lambda unit: f"UNIT {unit}"),
    told("PHY_CITY", "city", upper),
    told("PHY_ZIPCD", "zip"),
)


def _florida(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "assessor-florida-nal.csv",
        "County assessor",
        "Florida's name-address-legal file: no state, counties by the state's own number, just values that are no estimates.",
        _FLORIDA_COLUMNS,
        profile="florida-nal",
        verified="yes",
        decisions=["state-by-profile", "assessed-values", "name-order", "month-of-sale"],
    )
    homes = (
        make.home("couple", state="FL"),
        make.home("person", state="FL", unit=True),
        make.home("trust", state="FL"),
    )
    for facts in homes:
        file.add(facts, learn=("state",))
    return file


def _tarrant(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "RP,Appraisal_Year,Account_Num,Record_Type,Sequence_No,PIDN,Owner_Name,Owner_Address,Owner_CityState,Owner_Zip,Situs_Address,"
        "Property_Class,LegalDescription,County,City,School,Land_Value,Improvement_Value,Total_Value,Num_Bedrooms,Num_Bathrooms,"
        "Year_Built,Living_Area",
        composed("Owner_Name", assessor_names),
        composed("Situs_Address", lambda facts: facts["street"].upper()),
        composed("City", lambda _: "026"),
    )
    refusal = ExpectedRefusal(code="missing_columns", missing=["property_state", "property_zip"])
    file = ExportFile(
        "assessor-tarrant.txt",
        "County assessor",
        "Tarrant's appraisal roll, `|` as delimiter: the property has a street and a city code, but neither state nor ZIP code.",
        columns,
        verified="yes",
        form=FileForm(delimiter="|"),
        refusal=refusal,
        decisions=["place-is-required"],
    )
    return file.add_all(make.home(town="Fort Worth"), make.home("couple", town="Fort Worth"))


def _one_address(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "Parcel Number,Property Address,County,Owner Name,Mailing Address,Land Use,Just Value",
        told("Parcel Number", "apn"),
        composed("Property Address", whole_address, *ADDRESS),
        told("County", "county"),
        composed("Owner Name", assessor_names, *OWNERS),
        composed("Mailing Address", whole_mailing_address, *MAILING),
        unused("Land Use", "Single Family"),
        unused("Just Value", "$301,000"),
    )
    file = ExportFile(
        "assessor-one-address-column.csv",
        "County assessor",
        "Street, unit, city, state and ZIP code in one column, separated by commas; the same for the owner. `;` as delimiter.",
        columns,
        profile="assessor",
        form=FileForm(delimiter=";", encoding="utf-8-sig"),
        decisions=["one-address-column", "name-order", "assessed-values"],
    )
    file.add_all(make.home("person"), make.home("couple", unit=True), make.home("middle", absentee=True))
    facts = make.home("person", town="Newton")
    two_lines = f"{facts['street']}\n{facts['city']}, {facts['state']} {facts['zip']}-1122"
    file.add(facts, respell={"Property Address": two_lines})
    return file


def _one_address_without_commas(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "PIN,LOCATION,OWNER",
        told("PIN", "apn"),
        composed("LOCATION", lambda facts: whole_address(facts).upper(), *ADDRESS),
        composed("OWNER", assessor_names, *OWNERS),
    )
    file = ExportFile(
        "assessor-one-address-unreadable.csv",
        "County assessor",
        "One address column whose parts cannot always be told apart: such rows are rejected, never guessed.",
        columns,
        profile="assessor",
        decisions=["one-address-column", "name-order", "apn-without-county"],
    )
    file.add(make.home("person"))
    facts = make.home("person", town="Fort Worth")
    run_together = f"{facts['street']} {facts['city']} {facts['state']} {facts['zip']}".upper()
    file.add(facts, respell={"LOCATION": run_together}, reject=["unreadable_address"])
    file.add(make.home("person"), respell={"LOCATION": "VACANT LAND"}, reject=["unreadable_address"])
    street_only = make.home("person")
    file.add(
        street_only,
        respell={"LOCATION": street_only["street"].upper()},
        reject=["missing_city", "missing_state", "missing_zip"],
    )
    return file


def _owner_names(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "Parcel ID,Situs Address,Situs City,Situs State,Situs Zip,County,Owner",
        *told_all(
            "Parcel ID=apn | Situs Address=street | Situs City=city | Situs State=state | Situs Zip=zip | County=county"
        ),
        composed("Owner", assessor_names, *OWNERS, "flag.deceased_owner"),
    )
    file = ExportFile(
        "assessor-owner-names.csv",
        "County assessor",
        "Owners as assessors write them: couples, initials, suffixes, et al, trustees, estates, companies, a placeholder.",
        columns,
        profile="assessor",
        decisions=["name-order", "name-parts"],
    )
    person = {"owner1.first": "John", "owner1.last": "Smith"}
    couple = person | {"owner2.first": "Mary", "owner2.last": "Smith"}
    written: tuple[tuple[str, Facts], ...] = (
        ("SMITH JOHN & MARY", couple),
        ("Smith, John", person),
        ("SMITH JOHN Q JR", person | {"owner1.middle": "Q", "owner1.suffix": "Jr"}),
        ("SMITH JOHN Q & HOLT MARY A", couple | {"owner1.middle": "Q", "owner2.middle": "A", "owner2.last": "Holt"}),
        ("SMITH JOHN ET AL", person),
        ("SMITH JOHN & MARY H/W", couple),
        ("SMITH FAMILY TRUST", {"entity": "Smith Family Trust"}),
        ("SMITH JOHN TRE", {"entity": "Smith John Tre"}),
        ("ACME HOMES LLC", {"entity": "Acme Homes LLC"}),
        ("SMITH JOHN LIFE EST", {"entity": "Smith John Life Est"}),
        ("SMITH JOHN EST OF", person | {"flag.deceased_owner": "yes"}),
        ("ESTATE OF JOHN SMITH", person | {"flag.deceased_owner": "yes"}),
        ("DE LA CRUZ MARIA", {"owner1.first": "Maria", "owner1.last": "De La Cruz"}),
    )
    for text, names in written:
        place = {path: fact for path, fact in make.home("person").items() if not path.startswith("owner")}
        file.add(place | names, respell={"Owner": text})
    file.add(make.home("person"), unreadable={"Owner": "CURRENT OWNER"})
    return file
