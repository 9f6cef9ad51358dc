"""Melissa: property data, Personator results, and a Listware file whose own columns stand before the appended ones."""

from corpus.columns import (
    columns_of,
    compact_date,
    composed,
    e164,
    natural_name,
    one_of,
    second,
    street_with_unit,
    told,
    told_all,
    unused,
)
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import HomeMaker

_PROPERTY = (
    "FIPSCode,UnformattedAPN,FormattedAPN,Owner1FullName,Owner1FirstName,Owner1MiddleName,Owner1LastName,Owner1NameSuffix,"
    "Owner2FullName,Owner2FirstName,Owner2MiddleName,Owner2LastName,Owner2NameSuffix,PropertyMelissaAddressKey,"
    "PropertyBaseMelissaAddressKey,PropertyAddressLine,PropertySuite,PropertyCity,PropertyState,PropertyZIPCode,PropertyZIP4,"
    "County,OwnerMailingAddressLine,OwnerMailingSuite,OwnerMailingCity,OwnerMailingState,OwnerMailingZIPCode,BedroomsCount,"
    "BathCount,AreaBuilding,AreaLotSF,YearBuilt,EstimatedValue,DeedLastSaleDate,DeedLastSalePrice,Latitude,Longitude"
)
_PERSONATOR = (
    "RecordID,Results,NameFull,NameFirst,NameLast,CompanyName,AddressLine1,AddressLine2,City,State,PostalCode,CountyName,CountyFIPS,"
    "PhoneNumber,EmailAddress,MelissaAddressKey,MelissaAddressKeyBase,DateOfDeath"
)
_LISTWARE = (
    "LoanNumber,Name,Address,City,State,Zip,MD_Results,MD_NameFirst,MD_NameLast,MD_AddressLine1,MD_Suite,MD_City,MD_State,"
    "MD_PostalCode,MD_CountyName,MD_PhoneNumber,MD_EmailAddress,MD_MelissaAddressKey"
)


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of Melissa."""
    return [_property(make), _personator(make), _listware(make)]


def _property(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        _PROPERTY,
        told("FIPSCode", "fips"),
        second("UnformattedAPN", "apn", lambda apn: apn.replace("-", "")),
        told("FormattedAPN", "apn"),
        composed("Owner1FullName", natural_name, "entity"),
        *told_all(
            "Owner1FirstName=owner1.first | Owner1MiddleName=owner1.middle | Owner1LastName=owner1.last | "
            "Owner1NameSuffix=owner1.suffix"
        ),
        composed("Owner2FullName", lambda facts: natural_name(facts, 2)),
        *told_all(
            "Owner2FirstName=owner2.first | Owner2MiddleName=owner2.middle | Owner2LastName=owner2.last | "
            "Owner2NameSuffix=owner2.suffix | PropertyMelissaAddressKey=mak"
        ),
        unused("PropertyBaseMelissaAddressKey", "7381043882"),
        told("PropertyAddressLine", "street"),
        told("PropertySuite", "unit", lambda unit: f"Unit {unit}"),
        *told_all(
            "PropertyCity=city | PropertyState=state | PropertyZIPCode=zip | County=county | "
            "OwnerMailingAddressLine=mail.street"
        ),
        told("OwnerMailingSuite", "mail.unit", lambda unit: f"Unit {unit}"),
        *told_all(
            "OwnerMailingCity=mail.city | OwnerMailingState=mail.state | OwnerMailingZIPCode=mail.zip | "
            "BedroomsCount=value.bedrooms | BathCount=value.bathrooms | AreaBuilding=value.building_sqft | "
            "AreaLotSF=value.lot_sqft | YearBuilt=value.year_built | EstimatedValue=value.est_value"
        ),
        told("DeedLastSaleDate", "value.last_sale_date", compact_date),
        told("DeedLastSalePrice", "value.last_sale_amount"),
    )
    file = ExportFile(
        "melissa-property.txt",
        "Melissa",
        "Property data with `|` as delimiter: the address key, a building's key that is not the home's, dates without separators.",
        columns,
        profile="melissa-property",
        verified="partly",
        form=FileForm(delimiter="|", line_end="\n"),
    )
    return file.add_all(make.home("suffix"), make.home("couple", unit=True), make.home("trust", absentee=True))


def _personator(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        _PERSONATOR,
        unused("RecordID", "1"),
        unused("Results", "AS01,NS01,PS01,VR01"),
        composed("NameFull", natural_name),
        *told_all("NameFirst=owner1.first | NameLast=owner1.last | CompanyName=entity"),
        composed("AddressLine1", street_with_unit, "street", "unit"),
        second("AddressLine2"),
        told("City", "city"),
        told("State", "state"),
        told("PostalCode", "zip", lambda code: f"{code}-4410"),
        *told_all(
            "CountyName=county | CountyFIPS=fips | PhoneNumber=phone1.number | EmailAddress=email1 | "
            "MelissaAddressKey=mak"
        ),
        unused("MelissaAddressKeyBase"),
        told("DateOfDeath", "flag.deceased_owner", one_of(yes="20240518", no="")),
    )
    file = ExportFile(
        "melissa-personator.csv",
        "Melissa",
        "Personator results: the unit stands in the street's cell, ZIP+4, a date of death. The address is the property's.",
        columns,
        profile="melissa-personator",
        verified="partly",
        decisions=["personator-address"],
    )
    return file.add_all(
        make.home(unit=True, dnc="-", emails=1),
        make.home(dnc="-"),
        make.home(dnc="-", emails=1, more={"flag.deceased_owner": "yes"}),
        make.home("company"),
    )


def _listware(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        _LISTWARE,
        unused("LoanNumber", "000417"),
        second("Name", "owner1.last"),
        second("Address", "street", str.lower),
        second("City", "city", str.lower),
        second("State", "state", str.lower),
        second("Zip", "zip"),
        unused("MD_Results", "AS01,NS01,PS01"),
        *told_all("MD_NameFirst=owner1.first | MD_NameLast=owner1.last | MD_AddressLine1=street"),
        told("MD_Suite", "unit", lambda unit: f"# {unit}"),
        *told_all("MD_City=city | MD_State=state | MD_PostalCode=zip | MD_CountyName=county"),
        told("MD_PhoneNumber", "phone1.number", e164),
        told("MD_EmailAddress", "email1"),
        told("MD_MelissaAddressKey", "mak"),
    )
    file = ExportFile(
        "melissa-listware.csv",
        "Melissa",
        "Listware: the columns of the uploaded list stand before those that Melissa appended, which have the prefix MD_.",
        columns,
        profile="melissa-listware",
        verified="partly",
        decisions=["input-columns"],
    )
    return file.add_all(make.home(dnc="-", emails=1), make.home(unit=True, dnc="-"), make.home(absentee=True))
