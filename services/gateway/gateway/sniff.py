"""What a CSV file of leads must have: columns that can be used. Its encoding and delimiter are read by `common.csv_shape`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from common import columns, csv_rows
from common.csv_shape import NotCsvError, Shape, look_at, shown
from gateway.problems import ProblemError

MAX_COLUMNS = 1_000
MAX_NAME = 200


def inspect(file: Path) -> Shape:
    """The shape of *file*. Raises ProblemError when it is not CSV with a header that has what every lead needs."""
    try:
        found = look_at(file, lambda header: len(columns.recognised(header)))
    except NotCsvError as error:
        raise ProblemError(error.code, error.detail) from error
    names = _checked(found.columns)
    with csv_rows.open_text(file, found.encoding) as text:
        reader = csv_rows.Reader(text, found.delimiter)
        reader.header()
        if next(reader.rows(len(names)), None) is None:
            raise ProblemError("empty_file", "There is a header row, and no row below it.")
    return Shape(found.encoding, found.delimiter, names)


def _checked(names: Sequence[str]) -> list[str]:
    """The header's names, made unique. Raises ProblemError when leads cannot be read under them."""
    if len(names) > MAX_COLUMNS:
        raise ProblemError("bad_columns", f"There are {len(names)} columns; {MAX_COLUMNS} are the most.")
    if any(len(name) > MAX_NAME for name in names):
        raise ProblemError("bad_columns", f"A header is longer than {MAX_NAME} characters: is there a header row?")
    if missing := columns.missing_required(names):
        raise ProblemError(
            "missing_columns",
            f"Missing: {', '.join(missing)}. Found: {', '.join(shown(names)) or 'no header row'}.",
            {"missing": missing, "found": shown(names)},
        )
    if unread := columns.unreadable_protection(names):
        raise ProblemError(
            "bad_columns",
            f"These columns look as if they said who must not be contacted, and are not understood: {', '.join(shown(unread))}. "
            "Name them as docs/protective-columns.md does, such as `Phone 1 DNC` or `Do Not Contact`, or remove them.",
            {"protective": shown(unread)},
        )
    again = Counter(map(str.strip, columns.recognised(names)))
    if twice := [name for name, times in again.items() if times > 1]:
        raise ProblemError("bad_columns", f"These columns are there more than once: {', '.join(shown(twice))}.")
    return unique(names)


def unique(names: Sequence[str]) -> list[str]:
    """The names, a repeated one with its number: `Notes`, `Notes (2)`. Nameless ones stay nameless."""
    seen: Counter[str] = Counter()
    result = []
    for name in map(str.strip, names):
        seen[name] += 1
        result.append(f"{name} ({seen[name]})" if name and seen[name] > 1 else name)
    return result
