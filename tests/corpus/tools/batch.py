"""BatchLeads and BatchData: lead export, property export, skip-trace results, and flat skip-trace results."""

from corpus.columns import (
    as_float,
    columns_of,
    composed,
    dashed_date,
    header_of,
    one_of,
    phone_columns,
    remark,
    second,
    told,
    told_all,
    unused,
)
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import HomeMaker

_BATCHLEADS = (
    "Lead Status,First Name,Last Name,Mailing Address,Mailing City,Mailing State,Mailing Zip,Mailing County,Property City,"
    "Property State,Property Address,Property Zip,Property County,Owner 2 First Name,Owner 2 Last Name,List Count,Tag Count,Email,"
    "Email 2,Litigator,Is Vacant,Is Mailing Vacant,Opt-Out,Created Date,Updated Date,Apn,Parcel Count,Property Type Detail,"
    "Owner Occupied,Bedroom Count,Bathroom Count,Total Building Area Square Feet,Lot Size Square Feet,Year Built,"
    "Total Assessed Value,Zoning Code,Last Sale Date,Last Sale Price,Total Loan Balance,Equity Current Estimated Balance,"
    "Estimated Value,Ltv Current Estimated Combined,Mls Status,Self Managed,Pushed to BatchDialer,Loan Recording Date,Loan Type,"
    "Loan Amount,Loan Lender Name,Loan Due Date,Loan Est Payment,Loan Est Interest Rate,Loan Est Balance,Loan Term (Months),ARV,"
    "Spread,% ARV,Batchrank Score Category,Tag Names,Notes,Foreclosure Document Type,Foreclosure Status,Foreclosure Auction Date,"
    "Unit Count,Contact Obtained,Mls Listing Date,Mls Listing Amount,Mls Listing Agent Fullname,Mls Agent Primary Phone,"
    "Mls Agent Email,Mls Agent Brokerage Name,Mls Agent Brokerage Phone,Office,"
    "Phone 1,Phone 1 DNC,Phone 1 TYPE,Phone 2,Phone 2 DNC,Phone 2 TYPE,Phone 3,Phone 3 DNC,Phone 3 TYPE,List"
)
_YES_NO = one_of(yes="Yes", no="No")


_BATCHLEADS_PHONES = [
    told(f"Phone {n}{suffix}", f"phone{n}.{part}", style)
    for n in (1, 2, 3)
    for suffix, part, style in (("", "number", str), (" TYPE", "type", str.title), (" DNC", "dnc", str.title))
]
_BATCHLEADS_COLUMNS = columns_of(
    _BATCHLEADS,
    remark("Lead Status", "status", "flag.do_not_contact"),
    *told_all(
        "First Name=owner1.first | Last Name=owner1.last | Mailing Address=mail.street | Mailing City=mail.city | "
        "Mailing State=mail.state | Mailing Zip=mail.zip"
    ),
    unused("Mailing County", path="county"),
    *told_all(
        "Property City=city | Property State=state | Property Address=street | Property Zip=zip | "
        "Property County=county | Owner 2 First Name=owner2.first | Owner 2 Last Name=owner2.last | "
        "Email=email1 | Email 2=email2"
    ),
    told("Litigator", "flag.litigator", _YES_NO),
    told("Is Vacant", "value.vacant", _YES_NO),
    unused("Is Mailing Vacant", "No"),
    told("Opt-Out", "flag.opted_out", _YES_NO),
    unused("Created Date", "10-12-2026"),
    told("Apn", "apn"),
    told("Property Type Detail", "value.property_type"),
    told("Owner Occupied", "value.owner_occupied", _YES_NO),
    *told_all(
        "Bedroom Count=value.bedrooms | Bathroom Count=value.bathrooms | "
        "Total Building Area Square Feet=value.building_sqft | Lot Size Square Feet=value.lot_sqft | "
        "Year Built=value.year_built"
    ),
    told("Last Sale Date", "value.last_sale_date", dashed_date),
    *told_all(
        "Last Sale Price=value.last_sale_amount | Total Loan Balance=value.open_loan_balance | "
        "Equity Current Estimated Balance=value.est_equity | Estimated Value=value.est_value | "
        "Ltv Current Estimated Combined=value.est_ltv"
    ),
    remark("Tag Names", "tags"),
    remark("Notes", "notes"),
    remark("List", "lists"),
    unused("Mls Agent Primary Phone", "3055550197"),
    unused("Mls Agent Email", "listing@example.com"),
    unused("Mls Agent Brokerage Phone", "3055550196"),
    *_BATCHLEADS_PHONES,
)


_PLAIN = {"flag.litigator": "no", "flag.opted_out": "no", "status": "New", "lists": "October", "tags": "High Equity"}


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of BatchLeads and BatchData."""
    return [_leads(make), _leads_as_unicode_text(make), _property(make), _skip_trace(make), _flat_skip_trace(make)]


def _leads(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "batchleads-leads.csv",
        "BatchLeads",
        "Lead export: opt-out and litigator columns, dates with dashes and the month first, a status that forbids contact.",
        _BATCHLEADS_COLUMNS,
        profile="batchleads",
        verified="yes",
        decisions=["date-order-by-profile"],
    )
    return file.add_all(
        make.home("couple", dnc="nyn", emails=2, more=_PLAIN),
        make.home("person", dnc="nn", emails=1, more=_PLAIN | {"flag.opted_out": "yes"}),
        make.home("person", dnc="n", emails=1, absentee=True, more=_PLAIN | {"flag.litigator": "yes"}),
        make.home(
            "person", dnc="nn", emails=1, more=_PLAIN | {"status": "Do Not Contact", "flag.do_not_contact": "yes"}
        ),
        make.home("person", more=_PLAIN | {"notes": "Left a voicemail.\nCall back in June."}),
    )


def _leads_as_unicode_text(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "batchleads-unicode-text.txt",
        "BatchLeads",
        "Lead export saved as Unicode text: UTF-16 with tabs. A note with a comma and quotes says not to call.",
        _BATCHLEADS_COLUMNS,
        profile="batchleads",
        verified="yes",
        form=FileForm(encoding="utf-16", delimiter="\t"),
        decisions=["date-order-by-profile"],
    )
    file.add_all(
        make.home("person", dnc="ny", emails=1, more=_PLAIN), make.home("accents", dnc="n", emails=1, more=_PLAIN)
    )
    refusal = {"notes": 'She said "stop", do not call again', "flag.do_not_contact": "yes"}
    file.add(make.home("person", dnc="nn", emails=1, more=_PLAIN | refusal), learn=("flag.do_not_contact",))
    return file


def _property(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "Property ID,Property Address,Property Unit,Property City,Property State,Property Zip,Property Zip+4,County,FIPS Code,APN,"
        "Owner 1 First Name,Owner 1 Last Name,Owner 2 First Name,Owner 2 Last Name,Owner Mailing Address,Owner Mailing City,"
        "Owner Mailing State,Owner Mailing Zip,Owner Occupied,Property Type,Bedrooms,Bathrooms,Living Area Square Feet,"
        "Lot Size Square Feet,Year Built,Estimated Value,Estimated Equity,Loan to Value,Open Loan Count,Open Loan Balance,"
        "Last Sale Date,Last Sale Price,Latitude,Longitude",
        unused("Property ID", "bd-000001"),
        *told_all(
            "Property Address=street | Property Unit=unit | Property City=city | Property State=state | "
            "Property Zip=zip | County=county | FIPS Code=fips | APN=apn | Owner 1 First Name=owner1.first | "
            "Owner 1 Last Name=owner1.last | Owner 2 First Name=owner2.first | Owner 2 Last Name=owner2.last | "
            "Owner Mailing Address=mail.street | Owner Mailing City=mail.city | Owner Mailing State=mail.state | "
            "Owner Mailing Zip=mail.zip"
        ),
        told("Owner Occupied", "value.owner_occupied", one_of(yes="true", no="false")),
        *told_all(
            "Property Type=value.property_type | Bedrooms=value.bedrooms | Bathrooms=value.bathrooms | "
            "Living Area Square Feet=value.building_sqft | Lot Size Square Feet=value.lot_sqft | "
            "Year Built=value.year_built | Estimated Value=value.est_value | Estimated Equity=value.est_equity | "
            "Loan to Value=value.est_ltv | Open Loan Count=value.open_loans | "
            "Open Loan Balance=value.open_loan_balance | Last Sale Date=value.last_sale_date | "
            "Last Sale Price=value.last_sale_amount"
        ),
        unused("Latitude", "28.0197"),
        unused("Longitude", "-82.7718"),
    )
    file = ExportFile(
        "batchdata-property.csv", "BatchData", "Property export: every cell in quotes, flags as true and false.", columns,
        profile="batchdata", form=FileForm(quotes_all=True),
    )  # fmt: skip
    return file.add_all(make.home(), make.home("couple", unit=True), make.home("person", absentee=True, loans=2))


_SKIP_TRACE_PHONES = [
    column
    for n in (1, 2, 3)
    for column in phone_columns(n, "Phone {n},Phone {n} Type,Phone {n} DNC", number_style=as_float)
]
_SKIP_TRACE = header_of(
    (
        "Internal_Ref_ID,Input Data: Property Address,Input Data: Property City,Input Data: Property State,"
        "Input Data: Property Zip,Input Data: First Name,Input Data: Last Name,Property Address,Property City,Property State,"
        "Property Zip,First Name,Last Name,Mailing Address,Mailing City,Mailing State,Mailing Zip"
    ),
    _SKIP_TRACE_PHONES,
    "Email 1,Email 2,Litigator,Deceased",
)
_SKIP_TRACE_COLUMNS = columns_of(
    _SKIP_TRACE,
    unused("Internal_Ref_ID", "A-17"),
    second("Input Data: Property Address", "street", str.upper),
    second("Input Data: Property City", "city", str.upper),
    second("Input Data: Property State", "state"),
    second("Input Data: Property Zip", "zip"),
    composed("Input Data: First Name", lambda _: "Unknown"),
    second("Input Data: Last Name"),
    *told_all(
        "Property Address=street | Property City=city | Property State=state | Property Zip=zip | "
        "First Name=owner1.first | Last Name=owner1.last | Mailing Address=mail.street | Mailing City=mail.city | "
        "Mailing State=mail.state | Mailing Zip=mail.zip"
    ),
    *_SKIP_TRACE_PHONES,
    told("Email 1", "email1"),
    told("Email 2", "email2"),
    told("Litigator", "flag.litigator", _YES_NO),
    told("Deceased", "flag.deceased_owner", _YES_NO),
)


def _skip_trace(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "batchdata-skip-trace.csv",
        "BatchData",
        "Skip-trace results: the uploaded address stands beside the found one, phones were saved as decimals.",
        _SKIP_TRACE_COLUMNS,
        profile="batchdata-skip-trace",
        verified="partly",
        decisions=["input-columns"],
    )
    plain = {"flag.litigator": "no", "flag.deceased_owner": "no"}
    return file.add_all(
        make.home(dnc="nyn", emails=2, more=plain),
        make.home(dnc="n", emails=1, more=plain | {"flag.deceased_owner": "yes"}),
        make.home(dnc="nn", more=plain | {"flag.litigator": "yes"}),
    )


def _flat_skip_trace(make: HomeMaker) -> ExportFile:
    lower = one_of(yes="true", no="false")
    phones = []
    for n in (1, 2, 3):
        phones += phone_columns(n, "phone{n},phone{n}_type,phone{n}_dnc", type_style=str.lower, dnc_style=lower)
        phones.append(told(f"phone{n}_litigator", f"phone{n}.litigator", lower))
    home = "request_id,property_address,property_city,property_state,property_zip,owner_first_name,owner_last_name"
    header = header_of(home, phones, "email1,email2,match_score")
    columns = columns_of(
        header,
        unused("request_id", "7f3a"),
        *told_all(
            "property_address=street | property_city=city | property_state=state | property_zip=zip | "
            "owner_first_name=owner1.first | owner_last_name=owner1.last"
        ),
        *phones,
        told("email1", "email1"),
        told("email2", "email2"),
        unused("match_score", "92"),
    )
    file = ExportFile(
        "batchdata-flat-skip-trace.csv",
        "BatchData",
        "Flat skip-trace results in snake case: type, do-not-call and litigator flag for each phone.",
        columns,
        profile="batchdata-skip-trace",
        form=FileForm(line_end="\n"),
    )
    plain = {"phone1.litigator": "no", "phone2.litigator": "no"}
    return file.add_all(
        make.home(dnc="nn", emails=2, more=plain),
        make.home(dnc="ny", emails=1, more=plain),
        make.home(dnc="nn", emails=1, more=plain | {"phone2.litigator": "yes"}),
    )
