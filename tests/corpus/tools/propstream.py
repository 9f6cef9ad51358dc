"""PropStream: full export, classic 41 columns, Contacts export of today and of earlier years, and an export saved by a spreadsheet."""

from corpus.columns import (
    ExportColumn,
    as_formula,
    columns_of,
    header_of,
    lost_zeros,
    money,
    one_of,
    parentheses,
    percent,
    phone_columns,
    remark,
    scientific,
    second,
    serial_date,
    told,
    told_all,
    unused,
    us_date,
)
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import HomeMaker

_LOANS = ",".join(
    f"Loan {n} {part}" for n in "1234" for part in ("Date", "Balance", "Type", "Lender", "Rate", "Rate Type")
)
_FULL = (
    "Address,Unit #,City,State,Zip,Zip+4,Carrier Route,County,FIPS,APN,Owner Occupied,Owner 1 First Name,Owner 1 Last Name,"
    "Owner 2 First Name,Owner 2 Last Name,Mailing Care of Name,Mailing Address,Mailing Unit #,Mailing City,Mailing State,Mailing Zip,"
    "Mailing Zip+4,Mailing Carrier Route,Mailing County,Mailing FIPS,Do Not Mail,Deceased Owner,Property Class,Property Type,Bedrooms,"
    "Total Bathrooms,Building Sqft,Lot Size Sqft,Year Built,Effective Year Built,Pool Type,Vacant,HOA Present,Number of Stories,"
    "Total Assessed Value,Assessed Land Value,Assessed Improvement Value,Improvement to Tax Value %,Last Sale Date,"
    "Last Sale Recording Date,Last Sale Amount,Last Cash Buyer,Last Sale Buyer Name 1,Last Sale Buyer Name 2,Prior Sale Date,"
    f"Prior Sale Recordng Date,Prior Sale Amount,{_LOANS},Total Open Loans,Est. Remaining balance of Open Loans,Est. Value,"
    "Est. Loan-to-Value,Est. Equity,Monthly Rent,Gross Yield %,Total Condition,Foreclosure Factor,MLS Status,MLS Date,MLS Amount,"
    "MLS Agent Name,MLS Agent Phone,MLS Agent E-Mail,MLS Brokerage Name,MLS Brokerage Phone,Lien Type,Lien Date,Lien Amount,BK Date,"
    "Divorce Date,Pre-FC Recording Date,Pre-FC Record Type,Date Added to List,Method of Add"
)
_CLASSIC = (
    "Address,Unit #,City,State,Zip,County,APN,Owner Occupied,Owner 1 First Name,Owner 1 Last Name,Owner 2 First Name,"
    "Owner 2 Last Name,Mailing Care of Name,Mailing Address,Mailing Unit #,Mailing City,Mailing State,Mailing Zip,Mailing County,"
    "Do Not Mail,Property Type,Bedrooms,Total Bathrooms,Building Sqft,Lot Size Sqft,Effective Year Built,Total Assessed Value,"
    "Last Sale Recording Date,Last Sale Amount,Total Open Loans,Est. Remaining balance of Open Loans,Est. Value,Est. Loan-to-Value,"
    "Est. Equity,MLS Status,MLS Date,MLS Amount,Lien Amount,Marketing Lists,Date Added to List,Method of Add"
)
_YES_NO = one_of(yes="Yes", no="No")


def _home_columns() -> list[ExportColumn]:
    return [
        *told_all("Address=street | Unit #=unit | City=city | State=state | Zip=zip | County=county | APN=apn"),
        told("Owner Occupied", "value.owner_occupied", _YES_NO),
        *told_all(
            "Owner 1 First Name=owner1.first | Owner 1 Last Name=owner1.last | Owner 2 First Name=owner2.first | "
            "Owner 2 Last Name=owner2.last | Mailing Address=mail.street | Mailing Unit #=mail.unit | "
            "Mailing City=mail.city | Mailing State=mail.state | Mailing Zip=mail.zip"
        ),
        told("Do Not Mail", "flag.do_not_mail", _YES_NO),
        *told_all(
            "Property Type=value.property_type | Bedrooms=value.bedrooms | Total Bathrooms=value.bathrooms | "
            "Building Sqft=value.building_sqft | Lot Size Sqft=value.lot_sqft | "
            "Last Sale Amount=value.last_sale_amount | Total Open Loans=value.open_loans | "
            "Est. Remaining balance of Open Loans=value.open_loan_balance | Est. Value=value.est_value | "
            "Est. Loan-to-Value=value.est_ltv | Est. Equity=value.est_equity"
        ),
    ]


def _full_columns(header: str = _FULL, *more: ExportColumn) -> list[ExportColumn]:
    return columns_of(
        header,
        *_home_columns(),
        told("FIPS", "fips"),
        told("Deceased Owner", "flag.deceased_owner", _YES_NO),
        told("Year Built", "value.year_built"),
        told("Vacant", "value.vacant", _YES_NO),
        told("Last Sale Date", "value.last_sale_date"),
        second("Last Sale Recording Date", "value.last_sale_date"),
        unused("Mailing County", path="county"),
        unused("MLS Agent Name", "Pat Agent"),
        unused("MLS Agent Phone", "(305) 555-0199"),
        unused("MLS Agent E-Mail", "agent@example.com"),
        unused("MLS Brokerage Phone", "(305) 555-0198"),
        unused("Total Assessed Value", "301000"),
        unused("Date Added to List", "10/12/2026"),
        unused("Method of Add", "List Import"),
        *more,
    )


_PLAIN_FLAGS = {"flag.do_not_mail": "no", "flag.deceased_owner": "no"}


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of PropStream."""
    return [
        _full(make),
        _classic(make),
        _contacts(make),
        _earlier_contacts(make),
        _skip_traced(make),
        _spreadsheet(make),
    ]


def _full(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "propstream-full.csv",
        "PropStream",
        "Full export: amounts with $ and commas, shares with %, dates with slashes; the agent's phone is not the owner's.",
        _full_columns(),
        profile="propstream",
        verified="partly",
        form=FileForm(encoding="utf-8-sig"),
    )
    homes = [
        make.home("person", more=_PLAIN_FLAGS),
        make.home("couple", state="FL", unit=True, more=_PLAIN_FLAGS),
        make.home("two_surnames", absentee=True, more=_PLAIN_FLAGS | {"flag.do_not_mail": "yes"}),
        make.home("person", loans=0, more=_PLAIN_FLAGS | {"flag.deceased_owner": "yes"}),
        make.home("person", town="Newton", more=_PLAIN_FLAGS),
    ]
    for facts in homes:
        amounts = {
            "Est. Value": money(facts["value.est_value"]),
            "Est. Equity": money(facts["value.est_equity"]),
            "Est. Remaining balance of Open Loans": money(facts["value.open_loan_balance"]),
            "Last Sale Amount": money(facts["value.last_sale_amount"]),
            "Est. Loan-to-Value": percent(facts["value.est_ltv"]),
            "Last Sale Date": us_date(facts["value.last_sale_date"]),
            "Building Sqft": f"{int(facts['value.building_sqft']):,}",
        }
        file.add(facts, respell=amounts)
    return file


def _classic(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        _CLASSIC,
        *_home_columns(),
        told("Last Sale Recording Date", "value.last_sale_date", us_date),
        unused("Effective Year Built", "1988"),
        remark("Marketing Lists", "lists"),
        unused("Mailing County", path="county"),
    )
    file = ExportFile(
        "propstream-classic.csv",
        "PropStream",
        "Classic export with 41 columns, lines end with LF. The effective year is not the year built.",
        columns,
        profile="propstream",
        verified="yes",
        form=FileForm(line_end="\n"),
    )
    plain = {"flag.do_not_mail": "no", "lists": "Absentee; High Equity"}
    return file.add_all(
        make.home("person", more=plain),
        make.home("couple", absentee=True, more=plain),
        make.home("person", unit=True, more=plain | {"flag.do_not_mail": "yes"}),
        make.home("two_surnames", more=plain),
    )


_CONTACTS = (
    "Company Name,First Name,Last Name,Street Address,City,State,Zip,Mail Street Address,Mail City,Mail State,Mail Zip"
)


def _contact_columns() -> list[ExportColumn]:
    return [
        *told_all(
            "First Name=owner1.first | Last Name=owner1.last | Street Address=street | City=city | State=state | "
            "Zip=zip | Mail Street Address=mail.street | Mail City=mail.city | Mail State=mail.state | "
            "Mail Zip=mail.zip"
        ),
    ]


def _contacts(make: HomeMaker) -> ExportFile:
    phones = [column for n in (1, 2, 3) for column in phone_columns(n, "Phone {n},Phone {n} Type,Phone {n} DNC")]
    header = header_of(_CONTACTS, phones, "Email 1,Email 2,Email 3,Email 4")
    columns = columns_of(
        header,
        told("Company Name", "entity"),
        *_contact_columns(),
        *phones,
        *told_all("Email 1=email1 | Email 2=email2 | Email 3=email3 | Email 4=email4"),
    )
    file = ExportFile(
        "propstream-contacts.csv",
        "PropStream",
        "Contacts export: type and do-not-call flag beside each phone.",
        columns,
        profile="propstream-contacts",
        verified="yes",
    )
    return file.add_all(
        make.home("person", dnc="ny", emails=2),
        make.home("person", dnc="nnn", emails=1, absentee=True),
        make.home("person", dnc="y-"),
        make.home("company", dnc="n", absentee=True),
    )


def _earlier_contacts(make: HomeMaker) -> ExportFile:
    phones = [
        told("Cell", "phone1.number", parentheses),
        told("Landline", "phone2.number", parentheses),
        told("Cell 2", "phone3.number", parentheses),
    ]
    header = f"{_CONTACTS},Cell,Landline,Cell 2,Email 1,Email 2"
    columns = columns_of(
        header,
        told("Company Name", "entity"),
        *_contact_columns(),
        *phones,
        told("Email 1", "email1"),
        told("Email 2", "email2"),
    )
    file = ExportFile(
        "propstream-contacts-earlier.csv",
        "PropStream",
        "Contacts export of earlier years: the header names the kind of line, and there is no do-not-call flag.",
        columns,
        profile="propstream-contacts",
        verified="partly",
        decisions=["line-type-in-header"],
    )
    for facts in (make.home(dnc="---", emails=2), make.home(dnc="-", emails=1), make.home(dnc="--", absentee=True)):
        file.add(facts, learn=("phone1.type", "phone2.type", "phone3.type"))
    return file


def _skip_traced(make: HomeMaker) -> ExportFile:
    phones = [
        column
        for n in range(1, 6)
        for column in phone_columns(n, "Phone {n},Phone {n} Type,Phone {n} DNC", type_style=str.upper)
    ]
    header = header_of(_FULL, phones, "Email 1,Email 2,Email 3,Email 4,Litigator")
    emails = [told(f"Email {n}", f"email{n}") for n in range(1, 5)]
    file = ExportFile(
        "propstream-skip-traced.csv",
        "PropStream",
        "Full export with skip-trace columns and `;` as delimiter; one owner is a litigator, so no phone may be called.",
        _full_columns(header, *phones, *emails, told("Litigator", "flag.litigator", _YES_NO)),
        profile="propstream",
        verified="partly",
        form=FileForm(delimiter=";"),
    )
    plain = _PLAIN_FLAGS | {"flag.litigator": "no"}
    return file.add_all(
        make.home("couple", dnc="nyn-", emails=3, more=plain),
        make.home("person", dnc="nn", emails=1, more=plain | {"flag.litigator": "yes"}),
        make.home("person", dnc="yyyyn", emails=4, unit=True, more=plain),
        make.home("person", more=plain | {"flag.do_not_mail": "yes"}),
    )


def _spreadsheet(make: HomeMaker) -> ExportFile:
    phones = phone_columns(1, "Phone 1,Phone 1 Type,Phone 1 DNC", number_style=scientific)
    header = header_of(_FULL, phones)
    file = ExportFile(
        "propstream-saved-by-spreadsheet.csv",
        "PropStream",
        "Opened and saved by a spreadsheet: ZIP and FIPS codes without zeros, dates as serial numbers, exponents, formulas.",
        _full_columns(header, *phones),
        profile="propstream",
        verified="partly",
    )
    homes = [
        make.home(town=town, dnc="n", more=_PLAIN_FLAGS) for town in ("Newton", "Nashua", "Montclair", "Worcester")
    ]
    for facts in homes[:3]:
        damage = {
            "Zip": lost_zeros(facts["zip"]),
            "FIPS": lost_zeros(facts["fips"]),
            "Mailing Zip": as_formula(facts["mail.zip"]),
            "APN": as_formula(facts["apn"]),
            "Last Sale Date": serial_date(facts["value.last_sale_date"]),
            "Est. Value": f"{facts['value.est_value']}.00",
        }
        file.add(facts, respell=damage)
    lost = {"APN": "1.42E+11", "Phone 1": "5.08556E+09", "Last Sale Date": "########"}
    file.add(homes[3], unreadable=lost, respell={"Zip": lost_zeros(homes[3]["zip"])})
    return file
