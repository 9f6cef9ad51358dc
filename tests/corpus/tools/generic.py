"""Lists without a known tool: encodings, columns that forbid contact, values that cannot be read, rows that become no lead."""

from corpus.columns import (
    ExportColumn,
    columns_of,
    header_of,
    money,
    one_of,
    phone_columns,
    second,
    told,
    told_all,
    unused,
    us_date,
)
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import HomeMaker

_HOME = "Address,City,State,Zip,County,First Name,Last Name"
_YES_NO = one_of(yes="Yes", no="No")


def home_columns() -> list[ExportColumn]:
    """Return the columns of a simple list: the home and the owner's name."""
    return [
        *told_all(
            "Address=street | City=city | State=state | Zip=zip | County=county | First Name=owner1.first | "
            "Last Name=owner1.last"
        ),
    ]


def simple_list(*more: ExportColumn) -> list[ExportColumn]:
    """Return the columns of a simple list and further ones."""
    return columns_of(header_of(_HOME, more), *home_columns(), *more)


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the lists without a known tool."""
    return [
        _windows_1252(make),
        _utf16_big_endian(make),
        _old_mac(make),
        _sep_line(make),
        _protective(make),
        _two_headers(make),
        _blank_columns(make),
        _unreadable(make),
        _rejected(make),
        _repeated_homes(make),
        _titles_and_totals(make),
        _damaged_text(make),
    ]


def _windows_1252(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "generic-windows-1252.csv",
        "Generic list",
        "Windows-1252 with `;`: accents in names, typographic quotes and dashes in notes.",
        simple_list(told("Email", "email1"), ExportColumn("Notes", lambda facts: facts["notes"], (), "remark")),
        profile="generic",
        form=FileForm(encoding="cp1252", delimiter=";"),
    )
    notes = {"notes": "“Owner’s choice” – call back"}
    return file.add_all(*(make.home("accents", emails=1, more=notes) for _ in range(3)))


def _utf16_big_endian(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "generic-utf-16-big-endian.csv",
        "Generic list",
        "UTF-16 with the high byte first, `;` as delimiter, accents in names.",
        simple_list(told("Phone", "phone1.number")),
        profile="generic",
        form=FileForm(encoding="utf-16", delimiter=";", big_endian=True),
    )
    return file.add_all(make.home("accents", dnc="-"), make.home("person", dnc="-"))


def _old_mac(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "generic-carriage-returns.csv",
        "Generic list",
        "Lines end with CR alone, as old Macs write them; accents in that code page.",
        simple_list(told("Est. Value", "value.est_value", money)),
        profile="generic",
        form=FileForm(encoding="mac_roman", line_end="\r"),
    )
    return file.add_all(make.home("accents"), make.home("person"), make.home("accents"))


def _sep_line(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "generic-sep-line.csv",
        "Generic list",
        "A first line `sep=;` for spreadsheets; states spelled out.",
        simple_list(told("Last Sale Date", "value.last_sale_date", us_date)),
        profile="generic",
        form=FileForm(delimiter=";", before=("sep=;",)),
    )
    names = {"FL": "Florida", "TX": "Texas", "NC": "North Carolina"}
    for state, name in names.items():
        file.add(make.home(state=state), respell={"State": name})
    return file


def _protective(make: HomeMaker) -> ExportFile:
    columns = simple_list(
        *phone_columns(1, "Phone 1"),
        *phone_columns(2, "Phone 2"),
        told("Email 1", "email1"),
        told("Opt Out", "flag.opted_out", _YES_NO),
        told("Do Not Mail", "flag.do_not_mail", _YES_NO),
        told("Litigator", "flag.litigator", _YES_NO),
        told("Deceased", "flag.deceased_owner", _YES_NO),
        told("Do Not Contact", "flag.do_not_contact", _YES_NO),
        told("Wrong Number", "phones.wrong", _YES_NO),
        told("Phone 2 Wrong Number", "phone2.wrong", one_of(yes="X", no="")),
        told("Email 1 Opt Out", "email1.opted_out", one_of(yes="10/02/2026", no="")),
    )
    file = ExportFile(
        "generic-protective-columns.csv",
        "Generic list",
        "Every column that may forbid contact, one set in each row; a date and an X forbid as well as `Yes`.",
        columns,
        profile="generic",
    )
    flags = (
        "flag.opted_out", "flag.do_not_mail", "flag.litigator", "flag.deceased_owner", "flag.do_not_contact", "phones.wrong",
        "phone2.wrong", "email1.opted_out",
    )  # fmt: skip
    file.add(make.home(dnc="--", emails=1, more=dict.fromkeys(flags, "no")))
    for flag in flags:
        file.add(make.home(dnc="--", emails=1, more=dict.fromkeys(flags, "no") | {flag: "yes"}))
    return file


def _two_headers(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        "Address,City,State,Zip,Property Address,Property City,Property State,Property Zip,First Name,Owner First Name,Last Name,"
        "Est. Value,Estimated Value,Favourite Colour",
        *told_all(
            "Address=mail.street | City=mail.city | State=mail.state | Zip=mail.zip | Property Address=street | "
            "Property City=city | Property State=state | Property Zip=zip | First Name=owner1.first"
        ),
        second("Owner First Name", "owner1.first"),
        told("Last Name", "owner1.last"),
        told("Est. Value", "value.est_value"),
        second("Estimated Value", "value.est_value", money),
        unused("Favourite Colour", "green"),
    )
    file = ExportFile(
        "generic-two-headers-for-a-field.csv",
        "Generic list",
        "Two sets of address columns, where the plain one is the owner's; two headers for one field; an unknown column.",
        columns,
        profile="generic",
        decisions=["plain-address-is-the-owners"],
    )
    return file.add_all(make.home(absentee=True), make.home(), make.home(absentee=True))


def _blank_columns(make: HomeMaker) -> ExportFile:
    blank = ExportColumn("", lambda _: "", (), "unused")
    columns = [
        blank,
        *simple_list(told("Phone", "phone1.number"))[:4],
        blank,
        *simple_list(told("Phone", "phone1.number"))[4:],
    ]
    file = ExportFile(
        "generic-blank-columns-and-lines.csv",
        "Generic list",
        "Columns without header and value, blank lines between rows, lines of delimiters alone, blanks around headers.",
        columns,
        profile="generic",
    )
    file.add(make.home(dnc="-"))
    file.add_line()
    file.add_line("," * (len(columns) - 1))
    file.add(make.home(dnc="-"))
    file.add(make.home(), respell={"First Name": "  "}, leave_out=["owner1.first"])
    file.add_line()
    return file


def _unreadable(make: HomeMaker) -> ExportFile:
    columns = simple_list(
        *told_all(
            "FIPS=fips | MAK=mak | Bedrooms=value.bedrooms | Year Built=value.year_built | "
            "Est. Value=value.est_value | Last Sale Date=value.last_sale_date"
        ),
        told("Owner Occupied", "value.owner_occupied", _YES_NO),
        told("Phone 1", "phone1.number"),
        told("Email 1", "email1"),
    )
    file = ExportFile(
        "generic-unreadable-values.csv",
        "Generic list",
        "Values that cannot be read: the rest of each row is used, and the report names column, count and rows.",
        columns,
        profile="generic",
    )
    file.add(make.home(dnc="-", emails=1))
    damaged: tuple[dict[str, str], ...] = (
        {"Est. Value": "450,000+", "Bedrooms": "3-4"},
        {"Est. Value": "1.234", "Last Sale Date": "07-03-2019"},
        {"Year Built": "1066", "Owner Occupied": "perhaps"},
        {"Phone 1": "555-0142", "Email 1": "no email"},
        {"Phone 1": "7.27556E+09", "MAK": "0000000000"},
        {"Last Sale Date": "1/1/1900", "MAK": "12345"},
    )
    for cells in damaged:
        file.add(make.home(dnc="-", emails=1), unreadable=cells)
    return file


def _rejected(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "generic-rejected-rows.csv",
        "Generic list",
        "Rows that become no lead: a PO box, missing parts of the address, too many cells, a quote that does not close.",
        simple_list(told("Est. Value", "value.est_value")),
        profile="generic",
    )
    file.add(make.home())
    rejections: tuple[tuple[dict[str, str], list[str]], ...] = (
        ({"Address": "PO Box 118"}, ["po_box"]),
        ({"Address": ""}, ["missing_address"]),
        ({"City": "", "Zip": ""}, ["missing_city", "missing_zip"]),
        ({"State": "ZZ"}, ["invalid_state"]),
        ({"Zip": "ABCDE"}, ["invalid_zip"]),
        ({"Address": "Palmetto Ave"}, ["unreadable_address"]),
        ({"Address": "0 Palmetto Ave"}, ["unreadable_address"]),
        ({"Last Name": "x" * 201}, ["value_too_long"]),
    )
    for cells, reasons in rejections:
        file.add(make.home(), respell=cells, reject=reasons)
    facts = make.home()
    row = f"{facts['street']},{facts['city']},{facts['state']},{facts['zip']},{facts['county']}"
    file.add_broken(f"{row},Ann,Holt,412,000", ["unreadable_row"])
    file.add_broken(f'"{row},Ann,Holt,412000', ["unreadable_row"])
    file.add(make.home())
    return file


def _repeated_homes(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "generic-repeated-homes.csv",
        "Generic list",
        "One home in three rows with other spellings: one lead with the contacts of all rows.",
        simple_list(*phone_columns(1, "Phone"), told("Email", "email1")),
        profile="generic",
    )
    home = make.home("person", dnc="-", emails=1)
    file.add(home)
    file.add(make.home("person", dnc="-"))
    again = home | {"phone1.number": make.phone("305"), "email1": ""}
    file.add(again, respell={"Address": home["street"].upper() + ".", "City": home["city"].upper()})
    file.add(home | {"email1": make.email(home)}, respell={"Address": f"  {home['street'].lower()} "})
    return file


def _titles_and_totals(make: HomeMaker) -> ExportFile:
    before = ("Leads for Tampa, October", "Address list; City, State and Zip checked", "")
    file = ExportFile(
        "generic-titles-and-totals.csv",
        "Generic list",
        "Title lines that hold words of headers and fewer cells; a line of totals and a closing line below the rows.",
        simple_list(told("Est. Value", "value.est_value")),
        profile="generic",
        form=FileForm(before=before, line_end="\n"),
        decisions=["lines-around-the-table"],
    )
    homes = [make.home(), make.home(), make.home()]
    file.add_all(*homes)
    total = sum(int(facts["value.est_value"]) for facts in homes)
    file.add_skipped("footer", ["Total", *[""] * 6, str(total)])
    file.add_skipped("footer", ["*** End of report ***"])
    return file


def _damaged_text(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "generic-damaged-text.csv",
        "Generic list",
        "UTF-8 with one row in another encoding: that row is rejected, the others are read.",
        simple_list(),
        profile="generic",
    )
    file.add_all(*(make.home("accents") for _ in range(8)))
    file.add(make.home(), respell={"Last Name": "Pe\udcf1a"}, reject=["unreadable_row"])
    file.add(make.home("accents"))
    return file
