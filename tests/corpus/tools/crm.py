"""Exports of customer relationship systems: HubSpot, Podio, REI BlackBook, and one whose consent columns refuse the file."""

from corpus.columns import (
    ExportColumn,
    columns_of,
    composed,
    e164,
    header_of,
    joined,
    natural_name,
    one_of,
    parentheses,
    phone_columns,
    remark,
    remark_text,
    told,
    told_all,
    unused,
    whole_address,
)
from corpus.expected import ExpectedRefusal
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import HomeMaker

_YES_NO = one_of(yes="Yes", no="No")


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of CRM systems."""
    return [_hubspot(make), _podio(make), _rei_blackbook(make), _consent(make)]


def _hubspot(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Street Address,City,State/Region,Postal Code,"
        "Property Street Address,Property City,Property State,Property Postal Code,Contact owner,Lead Status,Lifecycle Stage,"
        "Unsubscribed from all email,Email Address Quarantined,Create Date,Last Activity Date,Associated Company",
        unused("Record ID", "501"),
        *told_all("First Name=owner1.first | Last Name=owner1.last | Email=email1"),
        told("Phone Number", "phone1.number", e164),
        told("Mobile Phone Number", "phone2.number", e164),
        *told_all(
            "Street Address=mail.street | City=mail.city | State/Region=mail.state | Postal Code=mail.zip | "
            "Property Street Address=street | Property City=city | Property State=state | Property Postal Code=zip"
        ),
        unused("Contact owner", "Pat Agent"),
        remark("Lead Status", "status", "flag.do_not_contact"),
        unused("Lifecycle Stage", "Lead"),
        told("Unsubscribed from all email", "emails.opted_out", one_of(yes="true", no="false")),
        told("Email Address Quarantined", "email1.opted_out", one_of(yes="true", no="false")),
        unused("Create Date", "2026-09-14 10:22"),
    )
    file = ExportFile(
        "hubspot-contacts.csv",
        "HubSpot",
        "Contacts: the contact's own address beside the property's; unsubscribed and quarantined emails; a status that forbids.",
        columns,
        profile="hubspot",
        verified="partly",
        form=FileForm(line_end="\n", quotes_all=True),
        decisions=["plain-address-is-the-owners", "line-type-in-header"],
    )
    plain = {"status": "OPEN", "emails.opted_out": "no", "email1.opted_out": "no", "phone2.type": "mobile"}
    for more in (
        plain,
        plain | {"emails.opted_out": "yes"},
        plain | {"email1.opted_out": "yes"},
        plain | {"status": "Not interested", "flag.do_not_contact": "yes"},
    ):
        file.add(make.home(absentee=True, dnc="--", emails=1, more=more), learn=("phone2.type",))
    return file


def _podio(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "Title,Seller Name,Property Address,Phone,Email,Asking Price,Lead Source,Notes,Unique ID,Created on",
        unused("Title", path="owner1.last"),
        composed("Seller Name", natural_name, "owner1.first", "owner1.middle", "owner1.last", "owner1.suffix"),
        composed("Property Address", whole_address, "street", "unit", "city", "state", "zip"),
        composed("Phone", lambda _: "", "phone1.number", "phone2.number", "phone1.type", "phone2.type", "phone2.dnc"),
        composed("Email", joined("; ", ("email1", "email2")), "email1", "email2"),
        unused("Asking Price", "$310,000.00"),
        unused("Lead Source", "Direct mail"),
        remark("Notes", "notes"),
        unused("Unique ID", "214"),
        unused("Created on", "2026-09-14"),
    )
    file = ExportFile(
        "podio-sellers.csv",
        "Podio",
        "Sellers: whole address and name in one cell each, phones in one cell with labels and line breaks, emails with `;`.",
        columns,
        profile="podio",
        form=FileForm(encoding="utf-8-sig", line_end="\n"),
        decisions=["one-address-column", "name-order"],
    )
    homes = [
        make.home("middle", dnc="--", emails=2),
        make.home("person", unit=True, dnc="-y", emails=1),
        make.home("suffix", dnc="-"),
    ]
    for facts in homes:
        phones = [f"{parentheses(facts['phone1.number'])} (mobile)"]
        if "phone2.number" in facts:
            is_forbidden = facts["phone2.dnc"] == "yes"
            phones.append(f"{parentheses(facts['phone2.number'])} (landline{', DNC' if is_forbidden else ''})")
        file.add(facts, respell={"Phone": "\n".join(phones)})
    return file


_REI_BLACKBOOK_PHONES = [
    column for n in (1, 2) for column in phone_columns(n, "Phone {n},Phone {n} Type", number_style=parentheses)
]
_REI_BLACKBOOK = header_of(
    "Contact ID,First Name,Last Name,Company",
    _REI_BLACKBOOK_PHONES,
    (
        "Email 1,Email 2,Mailing Address,Mailing City,Mailing State,Mailing Zip,Property Address,Property City,Property State,"
        "Property Zip,Do Not Call,Opted Out,Tags,Custom Field 1,Custom Field 2,Custom Field 3"
    ),
)
_REI_BLACKBOOK_COLUMNS = columns_of(
    _REI_BLACKBOOK,
    unused("Contact ID", "88123"),
    *told_all("First Name=owner1.first | Last Name=owner1.last | Company=entity"),
    *_REI_BLACKBOOK_PHONES,
    *told_all(
        "Email 1=email1 | Email 2=email2 | Mailing Address=mail.street | Mailing City=mail.city | "
        "Mailing State=mail.state | Mailing Zip=mail.zip | Property Address=street | Property City=city | "
        "Property State=state | Property Zip=zip"
    ),
    told("Do Not Call", "flag.do_not_contact", one_of(yes="DNC", no="No")),
    told("Opted Out", "flag.opted_out", _YES_NO),
    remark("Tags", "tags", "flag.deceased_owner", "flag.do_not_contact"),
    unused("Custom Field 1", path="county"),
)


def _rei_blackbook(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "rei-blackbook-contacts.csv",
        "REI BlackBook",
        "Contacts: `Do Not Call` and `Opted Out` for the person, a tag that says the owner is deceased.",
        _REI_BLACKBOOK_COLUMNS,
        profile="rei-blackbook",
        decisions=["do-not-call-of-the-row"],
    )
    plain = {"flag.do_not_contact": "no", "flag.opted_out": "no", "tags": "Imported"}
    dead = {"tags": "Deceased", "flag.deceased_owner": "yes", "flag.do_not_contact": "yes"}
    file.add_all(
        make.home(dnc="--", emails=2, more=plain),
        make.home(dnc="-", emails=1, more=plain | {"flag.do_not_contact": "yes"}),
        make.home(dnc="-", emails=1, more=plain | {"flag.opted_out": "yes"}),
    )
    file.add(make.home(dnc="-", emails=1, more=plain | dead), respell={"Do Not Call": "No"})
    return file


def _consent(make: HomeMaker) -> ExportFile:
    phones: list[ExportColumn] = []
    for n in (1, 2):
        phones += phone_columns(
            n, "PHONE_{n}_NUMBER,PHONE_{n}_PHONE_TYPE,PHONE_{n}_DO_NOT_CALL", type_style=str.upper, dnc_style=_YES_NO
        )
        phones.append(composed(f"PHONE_{n}_CONSENT_GIVEN", lambda _: "NO"))
    header = header_of(
        "STATUS,TAGS,CONTACT_TYPES,NAME,FIRST_NAME,LAST_NAME,EMAIL",
        phones,
        "MAILING_STREET_ADDRESS,MAILING_CITY,MAILING_STATE,MAILING_ZIP,PROPERTY_FULL_ADDRESS,PROPERTY_STREET_ADDRESS",
        "PROPERTY_CITY,PROPERTY_STATE,PROPERTY_ZIP,PROPERTY_COUNTY",
    )
    columns = columns_of(
        header,
        remark_text("STATUS", "New"),
        *told_all("FIRST_NAME=owner1.first | LAST_NAME=owner1.last | EMAIL=email1"),
        *phones,
        *told_all("PROPERTY_STREET_ADDRESS=street | PROPERTY_CITY=city | PROPERTY_STATE=state | PROPERTY_ZIP=zip"),
    )
    file = ExportFile(
        "crm-consent-columns.csv",
        "Other CRM",
        "`CONSENT_GIVEN` may allow or forbid, and is not understood: the file is refused with the name of the columns.",
        columns,
        verified="yes",
        refusal=ExpectedRefusal(code="bad_columns", headers=["PHONE_1_CONSENT_GIVEN", "PHONE_2_CONSENT_GIVEN"]),
        decisions=["consent-columns"],
    )
    return file.add_all(make.home(dnc="nn", emails=1), make.home(dnc="yn", emails=1))
