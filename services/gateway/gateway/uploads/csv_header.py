"""Check of an uploaded file's header row. `common.csv.dialect` finds the file's CSV dialect: encoding and delimiter."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from common.csv import columns
from common.csv.dialect import CsvDialect, NotCsvError, detect_dialect, printable_names
from common.csv.reader import CsvReader, open_csv_text
from common.web.problems import ProblemError
from gateway.problems import BAD_COLUMNS, EMPTY_FILE, MISSING_COLUMNS, PROBLEM_KINDS

MAX_COLUMNS = 1_000
MAX_COLUMN_NAME_CHARS = 200


def read_csv_dialect(file: Path) -> CsvDialect:
    """Return encoding, delimiter and column names of *file*.

    Raises ProblemError if it is not CSV, has no row, or its header lacks what every lead needs.
    """
    try:
        dialect = detect_dialect(file, lambda header: len(columns.recognised_headers(header)))
    except NotCsvError as error:
        raise ProblemError(PROBLEM_KINDS[error.code], error.detail) from error
    _check_columns(dialect.columns)
    names = make_names_unique(dialect.columns)
    with open_csv_text(file, dialect.encoding) as text:
        reader = CsvReader(text, dialect.delimiter)
        reader.read_header()
        if next(reader.read_rows(len(names)), None) is None:
            raise ProblemError(EMPTY_FILE, "The file has a header row and no other row. Add rows and send it again.")
    return CsvDialect(dialect.encoding, dialect.delimiter, names)


def _check_columns(names: Sequence[str]) -> None:
    """Raise ProblemError if leads cannot be read from columns of these names."""
    if len(names) > MAX_COLUMNS:
        raise ProblemError(BAD_COLUMNS, f"The file has {len(names)} columns. The limit is {MAX_COLUMNS}.")
    if any(len(name) > MAX_COLUMN_NAME_CHARS for name in names):
        raise ProblemError(
            BAD_COLUMNS, f"A header is longer than {MAX_COLUMN_NAME_CHARS} characters: is there a header row?"
        )
    if missing := columns.missing_required_headers(names):
        raise ProblemError(
            MISSING_COLUMNS,
            f"Missing: {', '.join(missing)}. Found: {', '.join(printable_names(names)) or 'no header row'}.",
            {"missing": missing, "found": printable_names(names)},
        )
    if unread := columns.unreadable_headers(names):
        raise ProblemError(
            BAD_COLUMNS,
            f"These columns look as if they forbid contact, and are not understood: {', '.join(printable_names(unread))}. "
            "Name them as docs/protective-columns.md does, such as `Phone 1 DNC` or `Do Not Contact`, or remove them.",
            {"protective": printable_names(unread)},
        )
    occurrences = Counter(map(str.strip, columns.recognised_headers(names)))
    if repeated := [name for name, times in occurrences.items() if times > 1]:
        raise ProblemError(BAD_COLUMNS, f"These columns occur more than once: {', '.join(printable_names(repeated))}.")


def make_names_unique(names: Sequence[str]) -> list[str]:
    """Return the names; a repeated one gets its number: `Notes`, `Notes (2)`. Empty names stay empty."""
    seen: Counter[str] = Counter()
    result = []
    for name in map(str.strip, names):
        seen[name] += 1
        result.append(f"{name} ({seen[name]})" if name and seen[name] > 1 else name)
    return result
