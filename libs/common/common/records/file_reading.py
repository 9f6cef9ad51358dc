"""Form of a file: encoding, delimiter, header and mapping. An upload and a dry run read it alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from common.csv.dialect import CsvDialect, NotCsvError, detect_dialect, printable_names
from common.csv.reader import CsvReader, CsvRow, make_names_unique, open_csv_text
from common.lead_facts import REQUIRED_FIELDS
from common.records.address_cells import split_address_line
from common.records.file_mapping import PLACE_FIELDS, FileMapping, MissingField, find_repeated_headers
from common.records.file_profile import FileProfile, built_in_profiles, recognise_profile
from common.records.headers import HeaderMeaning, plain_header

MAX_COLUMNS = 1_000
MAX_COLUMN_NAME_CHARS = 200
_MAX_NAMES_SHOWN_PER_FIELD = 4
_ROWS_TO_LOOK_AT = 50


class UnusableFileError(ValueError):
    """Raised for a file that cannot be read. *code* is that of the refusal, *detail* says what to do about it."""

    def __init__(self, code: str, detail: str, about: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.about = dict(about or {})


@dataclass(frozen=True, slots=True)
class FileForm:
    """Form of a file that can be read."""

    dialect: CsvDialect
    """`columns` are the header's names, each once; a repeated one has its number behind it."""
    mapping: FileMapping
    profile: FileProfile
    """Profile that was chosen or recognised."""


def read_file_form(
    file: Path,
    profile: FileProfile | None = None,
    renamed: Mapping[str, HeaderMeaning | None] | None = None,
    profiles: Iterable[FileProfile] | None = None,
) -> FileForm:
    """Return the form of *file*. Without *profile* it is recognised, among *profiles* or those of the product.

    *renamed* gives columns a meaning; None reads nothing from one.

    Raises UnusableFileError if it is not CSV, has no row, or its columns do not give what every lead needs.
    """
    known = tuple(built_in_profiles().values() if profiles is None else profiles)

    def choose(names: Sequence[str]) -> FileProfile:
        return profile or recognise_profile(names, known)

    def rate(header: Sequence[str]) -> tuple[bool, int]:
        if len(header) > MAX_COLUMNS:  # refused below, without the work of reading each name many times
            return False, 0
        mapping = FileMapping.resolve(make_names_unique(header), choose(header), renamed)
        return not mapping.missing_fields(), mapping.recognised_count()

    try:
        dialect = detect_dialect(file, rate)
    except NotCsvError as error:
        raise UnusableFileError(error.code, error.detail) from error
    _check_header(dialect.columns, renamed or {})
    names = make_names_unique(dialect.columns)
    chosen = choose(names)
    mapping = FileMapping.resolve(names, chosen, renamed)
    _check_mapping(mapping, names)
    unique = CsvDialect(dialect.encoding, dialect.delimiter, names, dialect.title_rows)
    with open_csv_text(file, dialect.encoding) as text:
        reader = CsvReader(text, dialect.delimiter)
        header = reader.read_header(dialect.title_rows)
        first_rows = list(islice(reader.read_records(header), _ROWS_TO_LOOK_AT))
        if not first_rows:
            raise UnusableFileError(
                "empty_file", "The file has a header row and no other row. Add rows and send it again."
            )
    _check_whole_addresses(mapping, names, first_rows)
    return FileForm(unique, mapping, chosen)


def _check_header(names: Sequence[str], renamed: Mapping[str, HeaderMeaning | None]) -> None:
    if len(names) > MAX_COLUMNS:
        raise UnusableFileError("bad_columns", f"The file has {len(names)} columns. The limit is {MAX_COLUMNS}.")
    if any(len(name) > MAX_COLUMN_NAME_CHARS for name in names):
        detail = f"A header is longer than {MAX_COLUMN_NAME_CHARS} characters: is there a header row?"
        raise UnusableFileError("bad_columns", detail)
    plain = set(map(plain_header, names))
    if unknown := [name for name in renamed if plain_header(name) not in plain]:
        raise UnusableFileError(
            "bad_columns",
            f"The mapping names columns that the file does not have: {', '.join(printable_names(unknown))}. "
            f"Found: {', '.join(printable_names(names)) or 'no header row'}.",
            {"unknown": printable_names(unknown), "found": printable_names(names)},
        )


def _check_mapping(mapping: FileMapping, names: Sequence[str]) -> None:
    """Raise UnusableFileError if leads cannot be read from columns of these meanings."""
    if missing := mapping.missing_fields():
        raise _missing_columns_error(mapping.describe_missing(missing), names)
    if unread := mapping.unreadable_protections():
        raise UnusableFileError(
            "bad_columns",
            f"These columns look as if they forbid contact, and are not understood: {', '.join(printable_names(unread))}. "
            "Name them as docs/protective-columns.md does, such as `Phone 1 DNC` or `Do Not Contact`, or remove them.",
            {"protective": printable_names(unread)},
        )
    if repeated := find_repeated_headers(mapping):
        raise UnusableFileError(
            "bad_columns",
            f"These columns occur more than once: {', '.join(printable_names(repeated))}.",
            {"repeated": printable_names(repeated)},
        )


def _check_whole_addresses(mapping: FileMapping, names: Sequence[str], rows: Iterable[CsvRow]) -> None:
    """Raise UnusableFileError if the column that should hold whole addresses holds streets: the place has no column."""
    given = {column.field for column in mapping.columns}
    if given.issuperset(field for field in REQUIRED_FIELDS if field != "property_address"):
        return
    whole = [names.index(column.header) for column in mapping.columns if column.field == "address_line"]
    cells = [row.cells[position] for row in rows for position in whole if position < len(row.cells)]
    if whole and not any("property_city" in split_address_line(cell) for cell in cells):
        raise _missing_columns_error(mapping.describe_missing(PLACE_FIELDS), names)


def _missing_columns_error(missing: Sequence[MissingField], names: Sequence[str]) -> UnusableFileError:
    return UnusableFileError(
        "missing_columns",
        f"{' '.join(map(_explain_missing, missing))} "
        f'Rename the column, or name it: `--map "COLUMN={missing[0].accepted[0]}"`. '
        f"Found: {', '.join(printable_names(names)) or 'no header row'}.",
        {
            "missing": [field.accepted[0] for field in missing],
            "found": printable_names(names),
            "accepted": {field.accepted[0]: list(field.accepted) for field in missing},
            "nearest": {field.accepted[0]: printable_names([field.nearest])[0] for field in missing if field.nearest},
        },
    )


def _explain_missing(field: MissingField) -> str:
    names = " or ".join(f"`{name}`" for name in field.accepted[:_MAX_NAMES_SHOWN_PER_FIELD])
    nearest = f", perhaps it is `{printable_names([field.nearest])[0]}`" if field.nearest else ""
    return f"Missing: {field.accepted[0]} (accepted: {names}){nearest}."
