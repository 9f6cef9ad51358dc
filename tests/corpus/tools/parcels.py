"""Files of parcel data, of programs that count from 0, and of skip traces with contacts of both owners."""

from corpus.columns import (
    ExportColumn,
    dashes,
    of_another_person,
    one_of,
    phone_columns,
    second,
    told,
    told_all,
    unused,
    upper,
)
from corpus.export import ExportFile
from corpus.homes import Facts, HomeMaker

_OWNER = "owner.name.first=owner1.first | owner.name.last=owner1.last"


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of parcel data, programs and skip traces."""
    return [
        _regrid(make),
        _counted_from_zero(make),
        _both_owners(make),
        _address_that_was_looked_up(make),
        _residents(make),
        _pipes(make),
    ]


def _regrid(make: HomeMaker) -> ExportFile:
    columns = [
        told("parcelnumb", "apn"),
        *told_all("ownfrst=owner1.first | ownlast=owner1.last"),
        told("mailadd", "mail.street", upper),
        *told_all("mail_city=mail.city | mail_state2=mail.state | mail_zip=mail.zip"),
        unused("saddno", path="street", style=lambda street: street.split()[0]),
        told("address", "street", upper),
        told("sunit", "unit"),
        *told_all("scity=city | county=county | state2=state | szip5=zip"),
        second("szip", "zip", lambda code: f"{code}-0101"),
        unused("parval", "301000"),
        told("yearbuilt", "value.year_built"),
    ]
    file = ExportFile(
        "regrid-parcels.csv",
        "Regrid",
        "Parcels: short headers, house number and whole street.",
        columns,
        profile="regrid",
    )
    return file.add_all(make.home("person", unit=True), make.home("person", absentee=True))


def _counted_from_zero(make: HomeMaker) -> ExportFile:
    phones = "owner.phoneNumbers.{index}.number,owner.phoneNumbers.{index}.type,owner.phoneNumbers.{index}.dnc"
    columns = [
        *told_all("property.address.street=street | property.address.city=city | property.address.state=state"),
        *told_all(f"property.address.zip=zip | {_OWNER}"),
        *phone_columns(1, phones.replace("{index}", "0"), dnc_style=one_of(yes="true", no="false")),
        *phone_columns(2, phones.replace("{index}", "1"), dnc_style=one_of(yes="true", no="false")),
        told("owner.emails.0.email", "email1"),
    ]
    file = ExportFile(
        "flat-json-counted-from-0.csv", "Generic list", "Nested data made flat: contacts are counted from 0.", columns,
        profile="generic",
    )  # fmt: skip
    return file.add_all(make.home("person", dnc="yn", emails=1), make.home("person", dnc="ny", emails=1))


def _both_owners(make: HomeMaker) -> ExportFile:
    columns = [
        *told_all("Property Address=street | Property City=city | Property State=state | Property Zip=zip"),
        *told_all("Owner 1 First Name=owner1.first | Owner 1 Last Name=owner1.last"),
        *phone_columns(1, "Owner 1 Phone 1,Owner 1 Phone 1 Type,Owner 1 Phone 1 DNC", number_style=dashes),
        *told_all("Owner 2 First Name=owner2.first | Owner 2 Last Name=owner2.last"),
        *phone_columns(2, "Owner 2 Phone 1,Owner 2 Phone 1 Type,Owner 2 Phone 1 DNC", number_style=dashes),
        unused("Agent Phone", "(813) 555-0100"),
    ]
    file = ExportFile(
        "skip-trace-both-owners.csv", "Skip-trace service", "Contacts of both owners, and a phone of the agent.", columns,
        profile="generic", decisions=["contacts-of-second-owner"],
    )  # fmt: skip
    return file.add_all(make.home("couple", dnc="yn"), make.home("couple", dnc="ny"))


def _address_that_was_looked_up(make: HomeMaker) -> ExportFile:
    columns = [
        *told_all("Input Address=street | Input City=city | Input State=state | Input Zip=zip"),
        *told_all("First Name=owner1.first | Last Name=owner1.last | Address=mail.street | City=mail.city"),
        *told_all("State=mail.state | Zip=mail.zip"),
        *phone_columns(1, "Phone1,Phone1 Type,Phone1 DNC"),
        unused("Relative 1 Name", "Robin Relative"),
        unused("Relative 1 Phone 1", "(813) 555-0101"),
    ]
    file = ExportFile(
        "skip-trace-input-address.csv", "Skip-trace service", "The home that was looked up, and where the owner lives now.",
        columns, profile="skip-trace-input", decisions=["input-columns"],
    )  # fmt: skip
    return file.add_all(make.home("person", absentee=True, dnc="y"), make.home("person", absentee=True, dnc="n"))


def _residents(make: HomeMaker) -> ExportFile:
    columns = [
        *told_all("Input Address=street | Input City=city | Input State=state | Input Zip=zip"),
        *told_all("Resident First Name=owner1.first | Resident Last Name=owner1.last"),
        of_another_person("Relationship", "Owner"),
        told("Deceased", "flag.deceased_owner", upper),
        *phone_columns(1, "Phone1,Phone1 Type,Phone1 DNC"),
        unused("Phone1 Last Seen", "2026-01"),
        told("Email1", "email1"),
    ]
    file = ExportFile(
        "skip-trace-residents.csv", "Skip-trace service",
        "Residents of the home that was looked up: contacts of a tenant are not read, nor that the tenant died.", columns,
        profile="skip-trace-input", decisions=["input-columns"],
    )  # fmt: skip
    file.add(make.home("person", dnc="y", emails=1))
    file.add(
        make.home("person", dnc="n", emails=1, more={"flag.deceased_owner": "yes"}),
        respell={"Relationship": "Tenant", "Deceased": "YES"},
        leave_out=("owner1.first", "owner1.last", "phone1.number", "email1", "flag.deceased_owner"),
    )
    return file


def _pipes(make: HomeMaker) -> ExportFile:
    def write(facts: Facts) -> str:
        return " | ".join((facts["street"], facts["city"], f"{facts['state']} {facts['zip']}"))

    columns = [
        ExportColumn("Full Address", write, ("street", "city", "state", "zip")),
        ExportColumn(
            "Owner", lambda facts: f"{facts['owner1.last']}, {facts['owner1.first']}", ("owner1.first", "owner1.last")
        ),
        ExportColumn("Phone (Mobile)", lambda facts: facts["phone1.number"], ("phone1.number", "phone1.type")),
    ]
    file = ExportFile(
        "generic-pipes-in-the-address.csv", "Generic list", "One address column with `|` between its parts.", columns,
        profile="generic",
    )  # fmt: skip
    return file.add_all(make.home("person", dnc="-"))
