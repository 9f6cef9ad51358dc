"""ListSource: label names and whole street addresses in capitals, and a list with the street in parts."""

from corpus.columns import ExportColumn, columns_of, composed, natural_name, told, unused, upper
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import Facts, HomeMaker

_LIST = (
    "OWNER 1 LABEL NAME,OWNER 1 LAST NAME,OWNER 1 FIRST NAME,OWNER 1 MIDDLE NAME,OWNER 1 SUFFIX,OWNER 2 LABEL NAME,"
    "OWNER 2 LAST NAME,OWNER 2 FIRST NAME,OWNER 2 MIDDLE NAME,OWNER 2 SUFFIX,OWNER CARE OF NAME,MAIL ADDRESS,MAIL CITY,MAIL STATE,"
    "MAIL ZIP CODE,MAIL ZIP+4,MAIL ZIP/ZIP+4,MAIL CARRIER ROUTE,MAIL COUNTRY,PROPERTY ADDRESS,PROPERTY HOUSE NUMBER,"
    "PROPERTY HOUSE NUMBER PREFIX,PROPERTY HOUSE NUMBER SUFFIX,PROPERTY HOUSE NUMBER 2,PROPERTY PRE DIRECTION,PROPERTY STREET NAME,"
    "PROPERTY STREET NAME SUFFIX,PROPERTY POST DIRECTION,PROPERTY UNIT NUMBER,PROPERTY CITY,PROPERTY STATE,PROPERTY ZIP CODE,"
    "PROPERTY ZIP+4,PROPERTY ZIP/ZIP+4,PROPERTY CARRIER ROUTE,COUNTY,UNITS - NUMBER OF"
)
_DIRECTIONS = frozenset("NSEW")


def street_parts(facts: Facts) -> dict[str, str]:
    """Return the house number, direction, name and type of a street."""
    number, *words = facts["street"].upper().split()
    direction = words.pop(0) if words[0] in _DIRECTIONS else ""
    return {"number": number, "direction": direction, "name": " ".join(words[:-1]), "type": words[-1]}


def _part(header: str, name: str) -> ExportColumn:
    return ExportColumn(header, lambda facts: street_parts(facts)[name])


def _columns(header: str, *street: ExportColumn) -> list[ExportColumn]:
    return columns_of(
        header,
        composed("OWNER 1 LABEL NAME", lambda facts: natural_name(facts).upper(), "entity"),
        told("OWNER 1 LAST NAME", "owner1.last", upper),
        told("OWNER 1 FIRST NAME", "owner1.first", upper),
        told("OWNER 1 MIDDLE NAME", "owner1.middle", upper),
        told("OWNER 1 SUFFIX", "owner1.suffix", upper),
        composed("OWNER 2 LABEL NAME", lambda facts: natural_name(facts, 2).upper()),
        told("OWNER 2 LAST NAME", "owner2.last", upper),
        told("OWNER 2 FIRST NAME", "owner2.first", upper),
        told("OWNER 2 MIDDLE NAME", "owner2.middle", upper),
        told("OWNER 2 SUFFIX", "owner2.suffix", upper),
        told("MAIL ADDRESS", "mail.street", upper),
        told("MAIL CITY", "mail.city", upper),
        told("MAIL STATE", "mail.state"),
        told("MAIL ZIP CODE", "mail.zip"),
        ExportColumn("MAIL ZIP/ZIP+4", lambda facts: f"{facts['mail.zip']}-0312"),
        unused("MAIL ZIP+4", "0312"),
        unused("MAIL CARRIER ROUTE", "C012"),
        told("PROPERTY UNIT NUMBER", "unit"),
        told("PROPERTY CITY", "city", upper),
        told("PROPERTY STATE", "state"),
        told("PROPERTY ZIP CODE", "zip"),
        ExportColumn("PROPERTY ZIP/ZIP+4", lambda facts: f"{facts['zip']}-2217"),
        told("COUNTY", "county", upper),
        unused("UNITS - NUMBER OF", "1"),
        *street,
    )


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files of ListSource."""
    labels = ExportFile(
        "listsource-labels.csv",
        "ListSource",
        "All in capitals, with a delimiter at the end of each line; a label name beside the parts of a name.",
        _columns(_LIST, told("PROPERTY ADDRESS", "street", upper)),
        profile="listsource",
        verified="yes",
        form=FileForm(trailing_delimiter=True),
    )
    labels.add_all(
        make.home("suffix"), make.home("couple", unit=True), make.home("trust", absentee=True), make.home("person")
    )
    parts = [
        ExportColumn("PROPERTY HOUSE NUMBER", lambda facts: street_parts(facts)["number"], ("street",)),
        _part("PROPERTY PRE DIRECTION", "direction"),
        _part("PROPERTY STREET NAME", "name"),
        _part("PROPERTY STREET NAME SUFFIX", "type"),
        *(
            ExportColumn(header, lambda _: "")
            for header in (
                "PROPERTY HOUSE NUMBER PREFIX",
                "PROPERTY HOUSE NUMBER SUFFIX",
                "PROPERTY HOUSE NUMBER 2",
                "PROPERTY POST DIRECTION",
            )
        ),
    ]
    in_parts = ExportFile(
        "listsource-street-in-parts.csv",
        "ListSource",
        "No column with the whole street: number, direction, name and type stand in their own columns.",
        _columns(_LIST.replace("PROPERTY ADDRESS,", "", 1), *parts),
        profile="listsource",
        verified="partly",
        decisions=["street-in-parts"],
    )
    in_parts.add_all(make.home("person"), make.home("couple", unit=True), make.home("company", absentee=True))
    return [labels, in_parts]
