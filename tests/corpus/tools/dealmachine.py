"""DealMachine: properties with their contacts in one row, and contacts with one row for each person."""

from corpus.columns import (
    ExportColumn,
    columns_of,
    composed,
    of_another_person,
    one_of,
    remark_text,
    second,
    told,
    told_all,
    unused,
    whole_address,
    whole_mailing_address,
    wireless,
)
from corpus.export import ExportFile
from corpus.homes import Facts, HomeMaker

_PROPERTIES = (
    "lead_id,lead_status,lead_source,property_id,property_address_full,property_address_line_1,property_address_line_2,"
    "property_address_city,property_address_state,property_address_zipcode,property_address_county,property_lat,property_lng,"
    "owner_1_name,owner_1_firstname,owner_1_lastname,owner_2_name,owner_2_firstname,owner_2_lastname,is_corporate_owner,"
    "out_of_state_owner,owner_address_full,owner_address_line_1,owner_address_line_2,owner_address_city,owner_address_state,"
    "owner_address_zip,property_type,total_bedrooms,total_baths,building_square_feet,lot_square_feet,lot_acreage,year_built,"
    "estimated_value,equity_amount,equity_percent,total_loan_balance,sale_date,sale_price,assd_total_value,tax_delinquent,"
    "property_flags,tags,notes_1,dealmachine_url"
)
_CONTACT = (
    ",contact_{n}_name,contact_{n}_flags,contact_{n}_phone1,contact_{n}_phone1_type,contact_{n}_phone2,contact_{n}_phone2_type,"
    "contact_{n}_email1,contact_{n}_email2"
)
_CONTACTS = (
    "contact_id,lead_id,associated_property_id,associated_property_address_full,associated_property_address_line_1,"
    "associated_property_address_line_2,associated_property_address_city,associated_property_address_state,"
    "associated_property_address_zipcode,first_name,last_name,middle_initial,generational_suffix,gender,contact_flags,"
    "primary_mailing_address,primary_mailing_city,primary_mailing_state,primary_mailing_zip,email_address_1,email_address_2,"
    "email_address_3,phone_1,phone_1_do_not_call,phone_1_activity_status,phone_1_carrier,phone_1_type,phone_2,phone_2_do_not_call,"
    "phone_2_activity_status,phone_2_carrier,phone_2_type,net_asset_value,occupation_group"
)
_DO_NOT_CALL = one_of(yes="DO NOT CALL", no="")


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of DealMachine."""
    return [_properties(make), _contacts(make)]


def _owner_name(facts: Facts) -> str:
    return facts.get("entity") or f"{facts['owner1.first']} {facts['owner1.last']}"


def _properties(make: HomeMaker) -> ExportFile:
    owner = [
        unused("contact_1_name", path="owner1.last"),
        composed("contact_1_flags", lambda _: "Likely Owner, Resident"),
        told("contact_1_phone1", "phone1.number"),
        told("contact_1_phone1_type", "phone1.type", wireless),
        told("contact_1_phone2", "phone2.number"),
        told("contact_1_phone2_type", "phone2.type", wireless),
        told("contact_1_email1", "email1"),
        told("contact_1_email2", "email2"),
    ]
    tenant = [
        unused("contact_2_name", "Robin Renter"),
        of_another_person("contact_2_flags", "Resident, Likely Renting"),
        of_another_person("contact_2_phone1", "3055550195"),
        of_another_person("contact_2_phone1_type", "Wireless"),
        of_another_person("contact_2_phone2", ""),
        of_another_person("contact_2_phone2_type", ""),
        of_another_person("contact_2_email1", "robin.renter@example.com"),
        of_another_person("contact_2_email2", ""),
    ]
    header = _PROPERTIES + _CONTACT.format(n=1) + _CONTACT.format(n=2)
    file = ExportFile(
        "dealmachine-properties.csv",
        "DealMachine",
        "Property export with numbered contacts: the second contact is a tenant, whose phone and email are not the owner's.",
        columns_of(header, *_property_columns(), *owner, *tenant),
        profile="dealmachine",
        verified="yes",
        decisions=["contacts-of-others"],
    )
    owners = (
        make.home("couple", dnc="--", emails=2),
        make.home("person", unit=True, dnc="-", emails=1),
        make.home("trust"),
    )
    return file.add_all(*owners)


def _property_columns() -> list[ExportColumn]:
    return [
        unused("lead_id", "1238558064"),
        unused("lead_source", "Bulk Import"),
        unused("property_id", "90211"),
        composed("property_address_full", whole_address),
        told("property_address_line_1", "street"),
        told("property_address_line_2", "unit", lambda unit: f"Apt {unit}"),
        *told_all(
            "property_address_city=city | property_address_state=state | property_address_zipcode=zip | "
            "property_address_county=county"
        ),
        composed("owner_1_name", _owner_name, "entity"),
        second("owner_2_name"),
        *told_all(
            "owner_1_firstname=owner1.first | owner_1_lastname=owner1.last | owner_2_firstname=owner2.first | "
            "owner_2_lastname=owner2.last"
        ),
        unused("out_of_state_owner", "0"),
        composed("owner_address_full", whole_mailing_address),
        *told_all(
            "owner_address_line_1=mail.street | owner_address_line_2=mail.unit | owner_address_city=mail.city | "
            "owner_address_state=mail.state | owner_address_zip=mail.zip | property_type=value.property_type | "
            "total_bedrooms=value.bedrooms | total_baths=value.bathrooms | building_square_feet=value.building_sqft | "
            "lot_square_feet=value.lot_sqft | year_built=value.year_built | estimated_value=value.est_value | "
            "equity_amount=value.est_equity"
        ),
        unused("equity_percent", "61"),
        second("lot_acreage"),
        *told_all(
            "total_loan_balance=value.open_loan_balance | sale_date=value.last_sale_date | "
            "sale_price=value.last_sale_amount"
        ),
        unused("assd_total_value", "288400"),
        unused("property_flags", "High Equity, Off Market"),
        remark_text("lead_status", "With Marketing"),
        remark_text("tags", "driving for dollars"),
        remark_text("notes_1", ""),
    ]


_CONTACT_COLUMNS = columns_of(
    _CONTACTS,
    unused("contact_id", "c-4711"),
    unused("lead_id", "1238558064"),
    composed("associated_property_address_full", whole_address),
    *told_all(
        "associated_property_address_line_1=street | associated_property_address_line_2=unit | "
        "associated_property_address_city=city | associated_property_address_state=state | "
        "associated_property_address_zipcode=zip | first_name=owner1.first | last_name=owner1.last | "
        "middle_initial=owner1.middle | generational_suffix=owner1.suffix"
    ),
    unused("gender", "F"),
    composed("contact_flags", lambda facts: facts.get("contact_flags", "Likely Owner")),
    *told_all(
        "primary_mailing_address=mail.street | primary_mailing_city=mail.city | "
        "primary_mailing_state=mail.state | primary_mailing_zip=mail.zip"
    ),
    told("email_address_1", "email1", str.upper),
    told("email_address_2", "email2", str.upper),
    told("email_address_3", "email3", str.upper),
    told("phone_1", "phone1.number"),
    told("phone_1_do_not_call", "phone1.dnc", _DO_NOT_CALL),
    remark_text("phone_1_activity_status", "Active"),
    unused("phone_1_carrier", "Example Wireless"),
    told("phone_1_type", "phone1.type", wireless),
    told("phone_2", "phone2.number"),
    told("phone_2_do_not_call", "phone2.dnc", _DO_NOT_CALL),
    remark_text("phone_2_activity_status", ""),
    told("phone_2_type", "phone2.type", wireless),
)


def _contacts(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "dealmachine-contacts.csv",
        "DealMachine",
        "Contacts export: several rows for one home. The second row's person rents, the third is the owner's family.",
        _CONTACT_COLUMNS,
        profile="dealmachine-contacts",
        verified="yes",
        decisions=["contacts-of-others"],
    )
    home = make.home("suffix", dnc="-y", emails=1)
    file.add(home)
    for flags in ("Resident, Likely Renting", "Family"):
        other = home | {
            "contact_flags": flags,
            "owner1.first": "Robin",
            "owner1.last": "Renter",
            "owner1.suffix": "",
            "phone1.number": make.phone("305"),
            "phone2.number": "",
            "phone2.dnc": "",
            "email1": "robin.renter@example.com",
        }
        of_other = ("phone1.number", "phone1.type", "phone1.dnc", "email1")
        file.add(other, leave_out=of_other)
    file.add(make.home("person", unit=True, dnc="y", emails=1))
    return file
