"""Mapping of the columns of TLO's output (docs/tlo.md, Mapping).

The customer chooses the column names at TLO. Only columns that the mapping names are read and stored: such files may hold
more about a person than this product may have.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MAX_COLUMN_NUMBER = 20
"""Largest number that `{n}` in a column name stands for."""
MAX_VALUE_LENGTH = 320
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


class BadMappingError(ValueError):
    """A mapping that does not fit the file. The message names columns, and no personal data."""


class _MappingModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PhoneColumns(_MappingModel):
    """The columns of one phone; with `{n}` of several phones: `Phone {n}` stands for `Phone 1`, `Phone 2` and so on."""

    number: str = Field(min_length=1)
    type: str = ""


class TloMapping(_MappingModel):
    """Column names of TLO's output. Case and spacing of the names do not matter."""

    reference: str = Field(min_length=1, description="Our reference, as in the exported file.")
    phones: tuple[PhoneColumns, ...] = ()
    emails: tuple[str, ...] = ()
    deceased: str = ""
    litigator: str = ""
    true_when: tuple[str, ...] = Field(
        ("Y", "Yes", "True", "T", "1", "X"),
        description="Cells of `deceased` and `litigator` that mean yes, in any case.",
    )

    @property
    def names(self) -> list[str]:
        """All column names of the mapping, with `{n}` as written."""
        phones = [name for phone in self.phones for name in (phone.number, phone.type)]
        return [name for name in (self.reference, *phones, *self.emails, self.deceased, self.litigator) if name]

    def count_known_columns(self, header: Sequence[str]) -> int:
        """Return how many columns of *header* the mapping names."""
        present = set(map(_normalise_name, header))
        return sum(column in present for name in self.names for column in _expand_name(name))

    def locate_columns(self, header: Sequence[str]) -> "ColumnPositions":
        """Return the positions of the mapped columns in *header*.

        Raises BadMappingError without the reference, without any phone or email column, or if a column occurs twice.
        """
        columns = list(map(_normalise_name, header))
        position_of = {column: position for position, column in enumerate(columns)}
        self._check_unique(columns)
        phones = tuple(pair for phone in self.phones for pair in _locate_phones(phone, position_of))
        emails = [column for name in self.emails for column in _expand_name(name) if column in position_of]
        reference = position_of.get(_normalise_name(self.reference))
        if reference is None:
            raise BadMappingError(f"there is no column {self.reference!r} for our reference")
        if not phones and not emails:
            raise BadMappingError("there is no column for a phone or an email")
        return ColumnPositions(
            reference=reference,
            phones=phones,
            emails=tuple(position_of[column] for column in emails),
            deceased=position_of.get(_normalise_name(self.deceased)) if self.deceased else None,
            litigator=position_of.get(_normalise_name(self.litigator)) if self.litigator else None,
            true_when=self.true_when,
            missing=tuple(name for name in self.names if position_of.keys().isdisjoint(_expand_name(name))),
        )

    def _check_unique(self, columns: Sequence[str]) -> None:
        """Raise BadMappingError if a mapped column occurs more than once in *columns*."""
        times = Counter(columns)
        mapped = {column for name in self.names for column in _expand_name(name)}
        if repeated := sorted(column for column in mapped if times[column] > 1):
            raise BadMappingError(f"these columns are there more than once: {', '.join(repeated)}")


@dataclass(frozen=True, slots=True)
class ColumnPositions:
    """Positions of the mapped columns in a file."""

    reference: int
    phones: tuple[tuple[int, int | None], ...]
    """Number and type of each phone."""
    emails: tuple[int, ...]
    deceased: int | None
    litigator: int | None
    true_when: tuple[str, ...]
    missing: tuple[str, ...]
    """Columns of the mapping that the file does not have."""

    def read_entry(self, cells: Sequence[str]) -> dict[str, Any]:
        """Return a row as it is stored: phones with their types, emails, `deceased`, `litigator`; without blanks."""
        texts = [_clean_cell(text) for text in cells]
        return {
            "phones": [
                [texts[number], texts[type_] if type_ is not None else ""]
                for number, type_ in self.phones
                if texts[number]
            ],
            "emails": [texts[email] for email in self.emails if texts[email]],
            "deceased": self._is_true(texts, self.deceased),
            "litigator": self._is_true(texts, self.litigator),
        }

    def _is_true(self, texts: Sequence[str], position: int | None) -> bool:
        return position is not None and texts[position].casefold() in {word.casefold() for word in self.true_when}


def _locate_phones(phone: PhoneColumns, position_of: Mapping[str, int]) -> Iterable[tuple[int, int | None]]:
    """Yield the positions of number and type of each numbered phone that the file has."""
    for number in _column_numbers(phone.number):
        column = _normalise_name(_insert_number(phone.number, number))
        type_column = _normalise_name(_insert_number(phone.type, number))
        if column in position_of:
            yield position_of[column], position_of.get(type_column) if phone.type else None


def _clean_cell(text: str) -> str:
    """Return a cell as it is stored.

    A cell with damaged bytes (lone surrogates) is no value. A longer cell is cut to one character over the limit, so that
    it is recognised as too long.
    """
    return "\ufffd" if _LONE_SURROGATES.search(text) else text.strip()[: MAX_VALUE_LENGTH + 1]


def _normalise_name(name: str) -> str:
    return " ".join(name.replace("\ufeff", "").replace("\xa0", " ").lower().split())


def _column_numbers(name: str) -> range:
    return range(1, MAX_COLUMN_NUMBER + 1) if "{n}" in name else range(1)


def _insert_number(name: str, number: int) -> str:
    return name.replace("{n}", str(number))


def _expand_name(name: str) -> list[str]:
    """Return every column that *name* stands for, normalised."""
    return [_normalise_name(_insert_number(name, number)) for number in _column_numbers(name)]
