"""REISift and DataSift: export of records with up to 30 phones, and the layout of its upload template."""

from corpus.columns import (
    ExportColumn,
    columns_of,
    money,
    one_of,
    phone_columns,
    remark,
    second,
    told,
    told_all,
    unused,
    us_date,
)
from corpus.export import ExportFile
from corpus.homes import HomeMaker

_PHONES = ",".join(f"Phone {n},Phone Type {n},Phone Status {n},Phone Tags {n}" for n in range(1, 7))
_EXPORT = (
    "First Name,Last Name,Mailing address,Mailing city,Mailing state,Mailing zip,Mailing zip5,Mailing county,Mailing vacant,"
    "Property address,Property city,Property state,Property zip,Property zip5,Property county,Property vacant,Business Name,Status,"
    f"Messages,Lists,Tags,Email 1,Email 2,Email 3,{_PHONES},List Stack,Bedrooms,Bathrooms,Sqft,Storeys,Year,Number of units,Apn,"
    "Parcel id,Legal description,Lot size,Tax auction date,Total taxes,Tax delinquent value,Mls,Last sale price,Last sold,Lien type,"
    "Personal representative,Personal representative phone,Probate open date,Attorney on file,Foreclosure date,Divorce file date,"
    "Loan to value,Open mortgages,Mortgage type,Owned since,Estimated value,exported from REISift.io"
)
_TEMPLATE_PHONES = ",".join(f"Phone {n},Phone Type {n},Phone Status {n},Phone Tags {n}" for n in (1, 2, 3))
_TEMPLATE = (
    "Property Street Address,Property City,Property State,Property ZIP Code,Owner First Name,Owner Last Name,Mailing Street Address,"
    f"Mailing City,Mailing State,Mailing ZIP Code,{_TEMPLATE_PHONES},Email 1,Email 2,Tags,Lists,Notes,Estimated Value"
)


def _phones(numbers: range) -> list[ExportColumn]:
    columns = []
    for n in numbers:
        columns += phone_columns(n, "Phone {n},Phone Type {n}", type_style=str.upper)
        columns += [
            remark(f"Phone Status {n}", f"phone{n}.status", f"phone{n}.wrong", f"phone{n}.dnc"),
            remark(f"Phone Tags {n}", f"phone{n}.tags"),
        ]
    return columns


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of REISift."""
    return [_export(make), _template(make)]


_EXPORT_COLUMNS = columns_of(
    _EXPORT,
    *told_all(
        "First Name=owner1.first | Last Name=owner1.last | Mailing address=mail.street | Mailing city=mail.city | "
        "Mailing state=mail.state"
    ),
    told("Mailing zip", "mail.zip", lambda code: f"{code}-1234"),
    ExportColumn("Mailing zip5", lambda facts: facts["mail.zip"]),
    unused("Mailing county", path="county"),
    unused("Mailing vacant", "No"),
    *told_all("Property address=street | Property city=city | Property state=state"),
    told("Property zip", "zip", lambda code: f"{code}-4321"),
    ExportColumn("Property zip5", lambda facts: facts["zip"]),
    told("Property county", "county"),
    told("Property vacant", "value.vacant", one_of(yes="Yes", no="No")),
    told("Business Name", "entity"),
    remark("Status", "status"),
    remark("Lists", "lists"),
    remark("Tags", "tags", "flag.opted_out"),
    *told_all("Email 1=email1 | Email 2=email2 | Email 3=email3"),
    *_phones(range(1, 7)),
    unused("List Stack", "2"),
    *told_all(
        "Bedrooms=value.bedrooms | Bathrooms=value.bathrooms | Sqft=value.building_sqft | Year=value.year_built | "
        "Apn=apn | Lot size=value.lot_sqft"
    ),
    second("Parcel id"),
    told("Last sale price", "value.last_sale_amount", money),
    told("Last sold", "value.last_sale_date", us_date),
    unused("Personal representative phone", "3055550194"),
    told("Probate open date", "flag.deceased_owner", one_of(yes="2026-05-04", no="")),
    told("Loan to value", "value.est_ltv"),
    told("Open mortgages", "value.open_loans"),
    told("Estimated value", "value.est_value", money),
    unused("exported from REISift.io"),
)


def _export(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "reisift-export.csv",
        "REISift",
        "Export of records: status and tags beside each phone, ZIP+4, an open probate, a tag that says the owner opted out.",
        _EXPORT_COLUMNS,
        profile="reisift",
        verified="yes",
        decisions=["probate-means-deceased"],
    )
    lists = {"lists": "Absentee, High Equity", "status": "New Lead"}
    first = {"phone1.status": "CORRECT", "phone2.status": "WRONG", "phone2.wrong": "yes", "phone1.tags": "Dial First"}
    unknown_flags = {f"phone{n}.dnc": "" for n in range(1, 7)}
    return file.add_all(
        make.home("person", dnc="---", emails=2, more=lists | first),
        make.home(
            "person", dnc="----", emails=1, more=lists | unknown_flags | {"phone3.status": "DNC", "phone3.dnc": "yes"}
        ),
        make.home("person", dnc="-", more=lists | {"flag.deceased_owner": "yes"}),
        make.home(
            "person",
            dnc="-",
            emails=1,
            absentee=True,
            more=lists | {"tags": "cold; opted out", "flag.opted_out": "yes"},
        ),
        make.home("company", more=lists | {"flag.deceased_owner": "no"}),
    )


def _template(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        _TEMPLATE,
        *told_all(
            "Property Street Address=street | Property City=city | Property State=state | Property ZIP Code=zip | "
            "Owner First Name=owner1.first | Owner Last Name=owner1.last | Mailing Street Address=mail.street | "
            "Mailing City=mail.city | Mailing State=mail.state | Mailing ZIP Code=mail.zip"
        ),
        *_phones(range(1, 4)),
        told("Email 1", "email1"),
        told("Email 2", "email2"),
        remark("Tags", "tags"),
        remark("Lists", "lists"),
        remark("Notes", "notes", "flag.do_not_contact"),
        told("Estimated Value", "value.est_value"),
    )
    file = ExportFile(
        "datasift-template.csv",
        "REISift",
        "Upload template: notes with line breaks inside the cell, one of which says not to contact the owner.",
        columns,
        profile="reisift",
        verified="yes",
    )
    note = {"notes": "Spoke on Monday.\r\nPlease do not contact me again.", "flag.do_not_contact": "yes"}
    return file.add_all(
        make.home(dnc="--", emails=1, more={"notes": "Wants to sell in spring.\nHas a dog."}),
        make.home(dnc="-", emails=1, more=note),
        make.home(dnc="-", absentee=True, more={"phone1.status": "DEAD", "phone1.wrong": "yes"}),
    )
