"""Columns of an export: the header, how the tool writes a cell, and the facts that a reader learns from it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from corpus.homes import Facts

Style = Callable[[str], str]
"""Spelling of one value: the fact as plain text becomes the text of a cell."""

ADDRESS = ("street", "unit", "city", "state", "zip")
MAILING = ("mail.street", "mail.unit", "mail.city", "mail.state", "mail.zip")
OWNER_1 = ("owner1.first", "owner1.middle", "owner1.last", "owner1.suffix")
OWNER_2 = ("owner2.first", "owner2.middle", "owner2.last", "owner2.suffix")
OWNERS = (*OWNER_1, *OWNER_2, "entity")


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """Column of an export. *tells* are the paths of the facts that a reader learns from it."""

    header: str
    write: Callable[[Facts], str]
    tells: tuple[str, ...] = ()
    use: Literal["used", "remark", "unused"] = "used"


def told(header: str, path: str, style: Style = str) -> ExportColumn:
    """Return a column of one fact. An empty fact is an empty cell."""
    return ExportColumn(header, lambda facts: style(facts[path]) if facts.get(path) else "", (path,))


def told_all(table: str) -> list[ExportColumn]:
    """Return columns of one fact each, spelled as they are: `First Name=owner1.first | Last Name=owner1.last`."""
    pairs = (entry.strip().split("=") for entry in table.split("|"))
    return [told(header, path) for header, path in pairs]


def composed(header: str, write: Callable[[Facts], str], *tells: str) -> ExportColumn:
    """Return a column that states several facts in one cell."""
    return ExportColumn(header, write, tells)


def second(header: str, path: str = "", style: Style = str) -> ExportColumn:
    """Return a column that is used only where the first column of its field is empty, which it never is here."""
    return ExportColumn(header, lambda facts: style(facts[path]) if facts.get(path) else "")


def of_another_person(header: str, text: str) -> ExportColumn:
    """Return a column of a person who is not the owner, as the row says. It is read only where that person is the owner."""
    return ExportColumn(header, lambda _: text)


def remark(header: str, path: str = "", *tells: str) -> ExportColumn:
    """Return a column of free text. *path* is where a home has that text, *tells* what the text forbids."""
    return ExportColumn(header, lambda facts: facts.get(path, ""), tells, "remark")


def remark_text(header: str, text: str) -> ExportColumn:
    """Return a column of free text that says the same harmless text in each row."""
    return ExportColumn(header, lambda _: text, (), "remark")


def unused(header: str, text: str = "", *, path: str = "", style: Style = str) -> ExportColumn:
    """Return a column of which nothing can be used: it holds *text*, or a fact that is not the lead's."""
    return ExportColumn(header, lambda facts: style(facts[path]) if facts.get(path) else text, (), "unused")


def columns_of(headers: str, *known: ExportColumn) -> list[ExportColumn]:
    """Return a column for each header of a comma-separated list: the known ones as given, all others unused and empty."""
    by_header = {column.header: column for column in known}
    names = [name.strip() for name in headers.split(",")]
    if unlisted := set(by_header) - set(names):
        raise ValueError(f"not in the header: {sorted(unlisted)}")
    return [by_header.get(name, unused(name)) for name in names]


def header_of(*parts: str | Sequence[ExportColumn]) -> str:
    """Return a comma-separated header of lists of names and of columns."""
    return ",".join(part if isinstance(part, str) else ",".join(one.header for one in part) for part in parts if part)


def phone_columns(
    number: int, headers: str, *, type_style: Style = str.title, dnc_style: Style = str.title, number_style: Style = str
) -> list[ExportColumn]:
    """Return the columns of one phone: its number and, where *headers* has them, its type and do-not-call flag."""
    paths = (f"phone{number}.number", f"phone{number}.type", f"phone{number}.dnc")
    styles = (number_style, type_style, dnc_style)
    names = [name.strip().replace("{n}", str(number)) for name in headers.split(",")]
    return [told(name, path, style) for name, path, style in zip(names, paths, styles, strict=False)]


# Spellings


def upper(text: str) -> str:
    """Return *text* in capitals."""
    return text.upper()


def money(text: str) -> str:
    """Return an amount as `$412,000`."""
    return f"${int(text):,}"


def grouped(text: str) -> str:
    """Return a number as `412,000`."""
    return f"{int(text):,}"


def percent(text: str) -> str:
    """Return a share as `43.6%`."""
    return f"{text}%"


def us_date(text: str) -> str:
    """Return a date as `3/7/2019`."""
    day = date.fromisoformat(text)
    return f"{day.month}/{day.day}/{day.year}"


def dashed_date(text: str) -> str:
    """Return a date as `03-07-2019`, the month first."""
    return date.fromisoformat(text).strftime("%m-%d-%Y")


def compact_date(text: str) -> str:
    """Return a date as `20190307`."""
    return text.replace("-", "")


def serial_date(text: str) -> str:
    """Return a date as the serial number of a spreadsheet."""
    return str((date.fromisoformat(text) - date(1899, 12, 30)).days)


def lost_zeros(text: str) -> str:
    """Return digits without leading zeros, as spreadsheets save them."""
    return text.lstrip("0")


def as_formula(text: str) -> str:
    """Return text as `="0123"`, by which exports keep a spreadsheet from reading a number."""
    return f'="{text}"'


def bare_digits(text: str) -> str:
    """Return *text* without dashes."""
    return text.replace("-", "")


def dashes(text: str) -> str:
    """Return a phone as `727-555-0142`."""
    return f"{text[:3]}-{text[3:6]}-{text[6:]}"


def parentheses(text: str) -> str:
    """Return a phone as `(727) 555-0142`."""
    return f"({text[:3]}) {text[3:6]}-{text[6:]}"


def dots(text: str) -> str:
    """Return a phone as `727.555.0142`."""
    return f"{text[:3]}.{text[3:6]}.{text[6:]}"


def e164(text: str) -> str:
    """Return a phone as `+17275550142`."""
    return f"+1{text}"


def as_float(text: str) -> str:
    """Return digits as `7275550142.0`, as data frames save them."""
    return f"{text}.0"


def scientific(text: str) -> str:
    """Return ten digits as `7.275550142E+9`."""
    return f"{text[0]}.{text[1:]}E+9"


def one_of(**words: str) -> Style:
    """Return a spelling by table: `one_of(yes="DNC", no="")`."""
    return lambda text: words[text]


def wireless(text: str) -> str:
    """Return a type of line in the words of carriers."""
    return {"mobile": "Wireless", "landline": "Landline", "voip": "VoIP"}[text]


# Cells of several facts


def street_with_unit(facts: Facts, designator: str = "Apt ") -> str:
    """Return `418 N Palmetto Ave Apt 4`."""
    return f"{facts['street']} {designator}{facts['unit']}" if facts["unit"] else facts["street"]


def whole_address(facts: Facts) -> str:
    """Return `418 N Palmetto Ave Apt 4, Dunedin, FL 34698`."""
    return f"{street_with_unit(facts)}, {facts['city']}, {facts['state']} {facts['zip']}"


def whole_mailing_address(facts: Facts) -> str:
    """Return the owner's address in one line."""
    unit = f" Apt {facts['mail.unit']}" if facts["mail.unit"] else ""
    return f"{facts['mail.street']}{unit}, {facts['mail.city']}, {facts['mail.state']} {facts['mail.zip']}"


def _name(facts: Facts, owner: int, *parts: str) -> str:
    return " ".join(filter(None, (facts.get(f"owner{owner}.{part}") for part in parts)))


def natural_name(facts: Facts, owner: int = 1) -> str:
    """Return `John Q Smith Jr`, or the name of the entity for the first owner."""
    entity = facts.get("entity", "") if owner == 1 else ""
    return entity or _name(facts, owner, "first", "middle", "last", "suffix")


def natural_names(facts: Facts) -> str:
    """Return `John and Mary Smith` for a couple, and `John Smith and Mary Holt` for two surnames."""
    if not facts.get("owner2.first"):
        return natural_name(facts)
    if facts["owner2.last"] == facts["owner1.last"]:
        return f"{_name(facts, 1, 'first', 'middle')} and {natural_name(facts, 2)}"
    return f"{natural_name(facts)} and {natural_name(facts, 2)}"


def assessor_names(facts: Facts) -> str:
    """Return `SMITH JOHN Q & MARY`, the surname first as assessors write it."""
    if "entity" in facts:
        return facts["entity"].upper()
    first = _name(facts, 1, "last", "first", "middle", "suffix")
    if not facts.get("owner2.first"):
        return first.upper()
    same = facts["owner2.last"] == facts["owner1.last"]
    other = _name(facts, 2, "first", "middle") if same else _name(facts, 2, "last", "first", "middle")
    return f"{first} & {other}".upper()


def comma_names(facts: Facts) -> str:
    """Return `SMITH,JOHN Q & MARY`, the surname before a comma."""
    if "entity" in facts:
        return facts["entity"].upper()
    other = f" & {_name(facts, 2, 'first', 'middle')}" if facts.get("owner2.first") else ""
    return f"{facts['owner1.last']},{_name(facts, 1, 'first', 'middle')}{other}".upper()


def joined(separator: str, paths: Iterable[str], style: Style = str) -> Callable[[Facts], str]:
    """Return a writer of several facts in one cell, such as phones separated by `; `."""
    chosen = tuple(paths)
    return lambda facts: separator.join(style(facts[path]) for path in chosen if facts.get(path))
