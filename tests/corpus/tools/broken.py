"""Files that are refused as a whole, and the workbook for which a decision is open."""

import io
import zipfile

from corpus.columns import ExportColumn, composed, money, phone_columns, told
from corpus.expected import ExpectedRefusal
from corpus.export import ExportFile
from corpus.forms import FileForm
from corpus.homes import HomeMaker
from corpus.tools.generic import home_columns, simple_list

_WORKBOOK = [["Address", "City", "State", "Zip"], ["418 N Palmetto Ave", "Dunedin", "FL", "34698"]]
_FIXED_TIME = (2026, 10, 12, 0, 0, 0)
"""Time of the members of the workbook, so that its bytes are always the same."""


def files(make: HomeMaker) -> list[ExportFile]:
    """Return the files that are refused."""
    protective = [
        _protective_header(make, "callable", "Callable", "Yes"),
        _protective_header(make, "contact-ok", "Contact OK", "No"),
        _protective_header(make, "sms-opt-in", "SMS Opt In", "No"),
        _protective_header(make, "dnc-clean", "DNC Clean", "Yes"),
    ]
    return [
        _not_csv("excel-workbook.xlsx", "A tiny workbook.", workbook(_WORKBOOK), "workbooks"),
        _not_csv("html-table.csv", "An HTML table with the name of a CSV file.", _html_table()),
        _nothing("empty.csv", "A file without any byte.", b""),
        _nothing("blank-lines.csv", "Blank lines and a byte order mark.", b"\xef\xbb\xbf\r\n \r\n\r\n"),
        _header_only(),
        _no_header(make),
        _misspelled_headers(make),
        _two_equal_headers(make),
        *protective,
    ]


def _not_csv(name: str, about: str, content: bytes, *decisions: str) -> ExportFile:
    return ExportFile(
        name, "No table", about, content=content, refusal=ExpectedRefusal(code="not_csv"), decisions=decisions
    )


def _nothing(name: str, about: str, content: bytes) -> ExportFile:
    return ExportFile(name, "No table", about, content=content, refusal=ExpectedRefusal(code="empty_file"))


def _html_table() -> bytes:
    cells = "".join(f"<td>{text}</td>" for text in ("418 N Palmetto Ave", "Dunedin", "FL", "34698"))
    header = "".join(f"<th>{text}</th>" for text in ("Address", "City", "State", "Zip"))
    return f"<html><body><table><tr>{header}</tr>\n<tr>{cells}</tr></table></body></html>\n".encode()


def workbook(rows: list[list[str]]) -> bytes:
    """Return a workbook with one sheet of texts."""
    sheet = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in row) + "</row>" for row in rows
    )
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    members = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{namespace}" xmlns:r="{relations}"><sheets>'
        '<sheet name="Leads" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{namespace}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')
    return out.getvalue()


def _header_only() -> ExportFile:
    return ExportFile(
        "header-only.csv",
        "Generic list",
        "A header and no row.",
        simple_list(),
        refusal=ExpectedRefusal(code="empty_file"),
    )


def _no_header(make: HomeMaker) -> ExportFile:
    rows = [make.home(), make.home()]
    lines = [",".join((one["street"], one["city"], one["state"], one["zip"], one["owner1.last"])) for one in rows]
    missing = ["property_address", "property_city", "property_state", "property_zip"]
    return ExportFile(
        "no-header.csv",
        "Generic list",
        "Rows without a header.",
        content="".join(f"{line}\r\n" for line in lines).encode(),
        refusal=ExpectedRefusal(code="missing_columns", missing=missing),
    )


def _misspelled_headers(make: HomeMaker) -> ExportFile:
    columns = [
        ExportColumn(
            {"Address": "Property Adress", "Zip": "Post Code"}.get(one.header, one.header),
            one.write,
            one.tells,
            one.use,
        )
        for one in home_columns()
    ]
    nearest = {"property_address": "Property Adress", "property_zip": "Post Code"}
    file = ExportFile(
        "misspelled-headers.csv",
        "Generic list",
        "A misspelled header and an unknown one: the refusal names the field, the accepted names and the nearest column.",
        columns,
        refusal=ExpectedRefusal(code="missing_columns", missing=["property_address", "property_zip"], nearest=nearest),
    )
    return file.add_all(make.home(), make.home())


def _two_equal_headers(make: HomeMaker) -> ExportFile:
    columns = simple_list(*phone_columns(1, "Phone 1"), told("Est. Value", "value.est_value", money))
    file = ExportFile(
        "two-equal-headers.csv",
        "Generic list",
        "The same header twice with different values: nothing says which counts.",
        [*columns, told("Est. Value", "value.last_sale_amount", money)],
        refusal=ExpectedRefusal(code="bad_columns", headers=["Est. Value"]),
        form=FileForm(line_end="\n"),
        decisions=["equal-headers"],
    )
    return file.add_all(make.home(dnc="-"), make.home(dnc="-"))


def _protective_header(make: HomeMaker, name: str, header: str, text: str) -> ExportFile:
    file = ExportFile(
        f"protective-{name}.csv",
        "Generic list",
        f"`{header}` may allow or forbid contact: the file is refused with the header's name.",
        simple_list(*phone_columns(1, "Phone 1"), composed(header, lambda _: text)),
        refusal=ExpectedRefusal(code="bad_columns", headers=[header]),
    )
    return file.add_all(make.home(dnc="-"), make.home(dnc="-"))
