"""Results of skip-trace and scrubbing services: flags beside each phone, in its cell, or for the whole row."""

from corpus.columns import (
    ExportColumn,
    columns_of,
    composed,
    dashes,
    dots,
    header_of,
    joined,
    one_of,
    parentheses,
    phone_columns,
    second,
    told,
    told_all,
    unused,
)
from corpus.export import ExportFile
from corpus.homes import Facts, HomeMaker

_DIRECT_SKIP = (
    "Input Last Name,Input First Name,Input Mailing Address,Input Mailing City,Input Mailing State,Input Mailing Zip,"
    "Input Property Address,Input Property City,Input Property State,Input Property Zip,Input Custom Field 1,Input Custom Field 2,"
    "Owner Fix - Last Name,Owner Fix - First Name,Owner Fix - Mailing Address,ResultCode,Matched First Name,Matched Last Name,"
    "DNC/Litigator Scrub,Age,Deceased,Phone1,Phone1 Type,Phone2,Phone2 Type,Phone3,Phone3 Type,Email1,Email2,"
    "Confirmed Mailing Address,Confirmed Mailing City,Confirmed Mailing State,Confirmed Mailing Zip,Relative1 Name,Relative1 Age,"
    "Relative1 Phone1,Relative1 Phone1 Type,Person2 First Name,Person2 Last Name,Person2 Age,Person2 Deceased,Person2 Phone1,"
    "Person2 Phone1 Type,Person2 Email1"
)
_PLACE = "Property Address,Property City,Property State,Property Zip"


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of skip-trace services."""
    return [_direct_skip(make), _flags_in_the_cell(make), _dashed_headers(make), _scrub(make), _list_in_one_cell(make)]


_DIRECT_SKIP_COLUMNS = columns_of(
    _DIRECT_SKIP,
    second("Input Last Name", "owner1.last"),
    second("Input First Name", "owner1.first"),
    *told_all(
        "Input Mailing Address=mail.street | Input Mailing City=mail.city | Input Mailing State=mail.state | "
        "Input Mailing Zip=mail.zip | Input Property Address=street | Input Property City=city | "
        "Input Property State=state | Input Property Zip=zip"
    ),
    unused("Input Custom Field 1", "October list"),
    unused("ResultCode", "Matched"),
    told("Matched First Name", "owner1.first"),
    told("Matched Last Name", "owner1.last"),
    composed("DNC/Litigator Scrub", lambda facts: facts["scrub"], "flag.do_not_contact", "flag.litigator"),
    unused("Age", "71"),
    told("Deceased", "flag.deceased_owner", one_of(yes="Y", no="N")),
    *(second(f"Confirmed Mailing {part}") for part in ("Address", "City", "State", "Zip")),
    *(told(f"Phone{n}", f"phone{n}.number") for n in (1, 2, 3)),
    *(told(f"Phone{n} Type", f"phone{n}.type", str.title) for n in (1, 2, 3)),
    told("Email1", "email1"),
    told("Email2", "email2"),
    unused("Relative1 Name", "Robin Relative"),
    unused("Relative1 Phone1", "3055550193"),
    unused("Relative1 Phone1 Type", "Mobile"),
    unused("Person2 First Name", "Sam"),
    unused("Person2 Last Name", "Someone"),
    unused("Person2 Deceased", "N"),
    unused("Person2 Phone1", "3055550192"),
    unused("Person2 Email1", "sam.someone@example.com"),
)


def _direct_skip(make: HomeMaker) -> ExportFile:
    file = ExportFile(
        "direct-skip-results.csv",
        "Skip-trace service",
        "Results with relatives and other persons, whose phones are not the owner's; one scrub column for the whole row.",
        _DIRECT_SKIP_COLUMNS,
        profile="direct-skip",
        verified="yes",
        decisions=["scrub-column", "contacts-of-others", "input-columns"],
    )
    plain = {"flag.deceased_owner": "no", "scrub": ""}
    return file.add_all(
        make.home(dnc="--", emails=2, more=plain),
        make.home(dnc="-", emails=1, more=plain | {"scrub": "DNC", "flag.do_not_contact": "yes"}),
        make.home(dnc="---", emails=1, more=plain | {"scrub": "Litigator", "flag.litigator": "yes"}),
        make.home(dnc="-", more=plain | {"flag.deceased_owner": "yes"}),
    )


def _cell_with_flag(facts: Facts, number: int) -> str:
    digits = facts.get(f"phone{number}.number")
    if not digits:
        return ""
    if facts[f"phone{number}.dnc"] == "yes":
        return (f"{dashes(digits)} DNC", f"{parentheses(digits)} (Do Not Call)", f"{dots(digits)} [DNC]")[number % 3]
    return f"{dashes(digits)} ({facts[f'phone{number}.type'].title()})"


def _flags_in_the_cell(make: HomeMaker) -> ExportFile:
    paths = [(f"phone{n}.number", f"phone{n}.dnc", f"phone{n}.type", f"phone{n}.wrong") for n in (1, 2, 3)]
    columns = columns_of(
        f"{_PLACE},First Name,Last Name,Phone 1,Phone 2,Phone 3,Email",
        *_place_columns(),
        told("First Name", "owner1.first"),
        told("Last Name", "owner1.last"),
        composed("Phone 1", lambda facts: _cell_with_flag(facts, 1), *paths[0]),
        composed("Phone 2", lambda facts: _cell_with_flag(facts, 2), *paths[1]),
        composed("Phone 3", lambda facts: _cell_with_flag(facts, 3), *paths[2]),
        composed("Email", lambda facts: facts.get("email1", ""), "email1", "email1.opted_out"),
    )
    file = ExportFile(
        "skip-trace-flags-in-the-cell.csv",
        "Skip-trace service",
        "The do-not-call flag stands in the phone's cell, in several spellings; so do `wrong number` and `unsubscribed`.",
        columns,
        profile="generic",
        decisions=["suppressed-emails"],
    )
    for flags in ("-y-", "yy", "--y"):
        facts = make.home(dnc=flags, emails=1)
        of_flagged = [f"phone{n}.type" for n, flag in enumerate(flags, start=1) if flag == "y"]
        file.add(facts, leave_out=of_flagged)
    wrong = make.home(dnc="-", emails=1, more={"phone1.wrong": "yes", "email1.opted_out": "yes"})
    cells = {"Phone 1": f"{wrong['phone1.number']} wrong number", "Email": f"{wrong['email1']} (unsubscribed)"}
    file.add_unreadable("Email", file.add(wrong, respell=cells, leave_out=["phone1.type"]))
    return file


def _place_columns() -> list[ExportColumn]:
    return [
        *told_all("Property Address=street | Property City=city | Property State=state | Property Zip=zip"),
    ]


def _dashed_headers(make: HomeMaker) -> ExportFile:
    phones = [
        column
        for n in (1, 2, 3)
        for column in phone_columns(n, "Phone-{n},Phone-{n} Type", number_style=parentheses, type_style=str.title)
    ]
    before, behind = f"Search Option,{_PLACE},First Name,Last Name,Age,Lives in", "Phone-1 Provider,Email-1,Email-2"
    header = header_of(before, phones, behind, "Relatives,Person Link")
    columns = columns_of(
        header,
        unused("Search Option", "Address Search"),
        *_place_columns(),
        told("First Name", "owner1.first"),
        told("Last Name", "owner1.last"),
        unused("Age", "68"),
        *phones,
        unused("Phone-1 Provider", "Example Wireless"),
        told("Email-1", "email1"),
        told("Email-2", "email2"),
        unused("Relatives", "Robin Relative (305) 555-0191"),
        unused("Person Link", "https://example.com/person/1"),
    )
    file = ExportFile(
        "skip-trace-dashed-headers.csv",
        "Skip-trace service",
        "Headers as `Phone-1` and `Email-1`; relatives with phones in one cell that are not the owner's.",
        columns,
        profile="generic",
        verified="partly",
        decisions=["contacts-of-others"],
    )
    return file.add_all(make.home(dnc="---", emails=2), make.home(dnc="-", emails=1), make.home())


def _scrub(make: HomeMaker) -> ExportFile:
    columns = columns_of(
        f"{_PLACE},First Name,Last Name,PHONE,LINE_TYPE,ACTIVE,DNC_FEDERAL,DNC_STATE,LITIGATOR,RND_FLAG,PORTED,CNAM",
        *_place_columns(),
        *told_all("First Name=owner1.first | Last Name=owner1.last | PHONE=phone1.number"),
        told("LINE_TYPE", "phone1.type", str.title),
        told("ACTIVE", "phone1.wrong", one_of(yes="No", no="Yes")),
        told("DNC_FEDERAL", "phone1.dnc", str.title),
        composed("DNC_STATE", lambda facts: facts.get("dnc_state", ""), "phones.dnc"),
        told("LITIGATOR", "phone1.litigator", str.title),
        composed("RND_FLAG", lambda facts: facts.get("rnd", "No"), "phones.wrong"),
        unused("PORTED", "No"),
        unused("CNAM", "WIRELESS CALLER"),
    )
    file = ExportFile(
        "scrub-results.csv",
        "Skip-trace service",
        "Results of a scrubbing service with one phone a row: federal and state registry, litigator, reassigned, not active.",
        columns,
        profile="phone-scrub",
        verified="yes",
        decisions=["flags-of-the-only-phone", "inactive-phone", "reassigned-number"],
    )
    plain = {"phone1.wrong": "no", "phone1.litigator": "no"}
    return file.add_all(
        make.home(dnc="n", more=plain),
        make.home(dnc="y", more=plain),
        make.home(dnc="n", state="FL", more=plain | {"dnc_state": "FL", "phones.dnc": "yes"}),
        make.home(dnc="n", more=plain | {"phone1.litigator": "yes"}),
        make.home(dnc="n", more=plain | {"phone1.wrong": "yes"}),
        make.home(dnc="n", more=plain | {"rnd": "Yes", "phones.wrong": "yes"}),
    )


def _list_in_one_cell(make: HomeMaker) -> ExportFile:
    numbers = [f"phone{n}.number" for n in (1, 2, 3)]
    columns = columns_of(
        f"{_PLACE},First Name,Last Name,Phones,Emails",
        *_place_columns(),
        told("First Name", "owner1.first"),
        told("Last Name", "owner1.last"),
        composed("Phones", joined("; ", numbers, dashes), *numbers),
        composed("Emails", joined(", ", ("email1", "email2")), "email1", "email2"),
    )
    file = ExportFile(
        "skip-trace-lists-in-one-cell.csv",
        "Skip-trace service",
        "All phones in one cell, separated by `;`, line breaks, commas or slashes; all emails in another.",
        columns,
        profile="generic",
    )
    file.add(make.home(dnc="---", emails=2))
    for separator in ("\n", ", ", " / "):
        facts = make.home(dnc="---", emails=1)
        file.add(facts, respell={"Phones": joined(separator, numbers)(facts)})
    return file
