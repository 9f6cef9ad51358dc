"""TLOxp, whose interface is not public: a CSV of persons goes out, and the CSV that its batch search gives comes back.

What the columns of that CSV are called is the customer's choice at TLO, so a mapping says it (docs/tlo.md). Only what the
mapping names is read and stored: such files may hold more about a person than anybody here should have.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from common.columns import escape_cell
from common.contact_cells import Cell, read_emails, read_phones
from common.contact_values import line_type
from common.remarks import read_remark
from skiptrace.lead import Finding, Found, Question, Want, unite
from skiptrace.provider import Reply, UnknownAnswerError
from skiptrace.router import Offer

NAME = "tlo"
EXPORTED = ("Reference", "First Name", "Last Name", "Company", "Address", "Unit", "City", "State", "Zip")
"""The header of the file that goes out."""
MOST_NUMBERED = 20
"""How far `{n}` in a column's name counts."""
_LONGEST_VALUE = 320
_DAMAGED = re.compile("[\ud800-\udfff]")
_UNVERIFIED = "found"
"""Code of a value that is listed for the person; whether that verifies it is for `verification_code_map` to say."""


class BadMappingError(ValueError):
    """A mapping does not fit the file; the message names columns, and nothing of a person."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PhoneColumns(_Model):
    """The columns of one phone, or with `{n}` of all: `Phone {n}` stands for `Phone 1`, `Phone 2` and so on."""

    number: str = Field(min_length=1)
    type: str = ""


class TloMapping(_Model):
    """Which column of TLO's file holds what. Names are compared without regard to case and spacing."""

    reference: str = Field(min_length=1, description="Our reference, as the exported file has it.")
    phones: tuple[PhoneColumns, ...] = ()
    emails: tuple[str, ...] = ()
    deceased: str = ""
    litigator: str = ""
    true_when: tuple[str, ...] = Field(
        ("Y", "Yes", "True", "T", "1", "X"),
        description="Cells of `deceased` and `litigator` that say yes, in any case.",
    )

    @property
    def names(self) -> list[str]:
        """Every column that it names, `{n}` as it stands."""
        phones = [name for phone in self.phones for name in (phone.number, phone.type)]
        return [name for name in (self.reference, *phones, *self.emails, self.deceased, self.litigator) if name]

    def known(self, header: Sequence[str]) -> int:
        """How many columns of *header* it names."""
        there = set(map(_plain, header))
        return sum(name in there for _, name in _numbered(self.names))

    def places(self, header: Sequence[str]) -> "Places":
        """Where in *header* the columns are.

        Raises BadMappingError without the reference, without any phone or email column, or with a column named twice.
        """
        times = Counter(map(_plain, header))
        at = {name: place for place, name in enumerate(map(_plain, header))}
        wanted = _numbered(self.names)
        missing = [name for name in self.names if not any(known in at for of, known in wanted if of == name)]
        if twice := sorted({known for _, known in wanted if times[known] > 1}):
            raise BadMappingError(f"these columns are there more than once: {', '.join(twice)}")
        phones = tuple(
            (at[_plain(_at(phone.number, n))], at.get(_plain(_at(phone.type, n))) if phone.type else None)
            for phone in self.phones
            for n in _counts(phone.number)
            if _plain(_at(phone.number, n)) in at
        )
        emails = tuple(at[known] for _, known in _numbered(self.emails) if known in at)
        if _plain(self.reference) not in at:
            raise BadMappingError(f"there is no column {self.reference!r} for our reference")
        if not phones and not emails:
            raise BadMappingError("there is no column for a phone or an email")
        deceased, litigator = (at.get(_plain(name)) if name else None for name in (self.deceased, self.litigator))
        return Places(at[_plain(self.reference)], phones, emails, deceased, litigator, self.true_when, tuple(missing))


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file has what: positions of columns."""

    reference: int
    phones: tuple[tuple[int, int | None], ...]
    emails: tuple[int, ...]
    deceased: int | None
    litigator: int | None
    true_when: tuple[str, ...]
    missing: tuple[str, ...]
    """Columns of the mapping that the file does not have."""

    def entry(self, cells: Sequence[str]) -> dict[str, Any]:
        """What a row says, as it is stored: phones with their types, emails, `deceased`, `litigator`; blanks left out."""
        said = [_legible(text) for text in cells]
        return {
            "phones": [[said[at], said[kind] if kind is not None else ""] for at, kind in self.phones if said[at]],
            "emails": [said[at] for at in self.emails if said[at]],
            "deceased": self._is_true(said, self.deceased),
            "litigator": self._is_true(said, self.litigator),
        }

    def _is_true(self, said: Sequence[str], at: int | None) -> bool:
        return at is not None and said[at].casefold() in {word.casefold() for word in self.true_when}


@dataclass(frozen=True, slots=True)
class Tlo:
    """TLO by file: what a row of its output says."""

    cents: Decimal
    """Price of one match, in US cents."""
    name: str = NAME

    @property
    def offer(self) -> Offer:
        """It finds; what it found is for others to verify."""
        return Offer(self.name, frozenset({Want.PHONE, Want.EMAIL}), frozenset(), self.cents)

    def read(self, questions: Sequence[Question], reply: Reply) -> list[Finding]:
        """What a stored row says about its one lead. Raises UnknownAnswerError where it cannot be read."""
        try:
            entry = reply.document
            return [_finding(question, entry) for question in questions]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnknownAnswerError("unreadable") from error

    def cost_cents(self, findings: Sequence[Finding]) -> Decimal:
        """Only matches cost."""
        return self.cents * sum(finding.matched for finding in findings)


def exported(reference: str, question: Question) -> list[str]:
    """A row of the file that goes out; what a spreadsheet would run as a formula is made text."""
    person = question.person
    fields = (
        person.first_name, person.last_name, person.company, person.street, person.unit, person.city, person.state, person.zip,
    )  # fmt: skip
    return [reference, *(escape_cell(" ".join((field or "").split())) for field in fields)]


def unusable(entry: Mapping[str, Any]) -> tuple[int, int]:
    """How many of a row's cells of phones, and of emails, hold something that was not read."""
    phones = sum(_is_unread(_phone_cell(number)) for number, _ in entry["phones"])
    return phones, sum(_is_unread(_email_cell(text)) for text in entry["emails"])


def _is_unread(cell: Cell) -> bool:
    return cell.unread or not cell.values


def _finding(question: Question, entry: Mapping[str, Any]) -> Finding:
    contacts = unite((*_phones(entry["phones"]), *_emails(entry["emails"])))
    cells = [_phone_cell(number) for number, _ in entry["phones"]] + [_email_cell(text) for text in entry["emails"]]
    remarks = {"deceased": any(cell.deceased for cell in cells), "litigator": any(cell.litigator for cell in cells)}
    said = tuple(name for name, remarked in remarks.items() if entry[name] or remarked)
    return Finding(question.lead_id, bool(contacts or said), contacts, said, said)


def _phones(cells: Iterable[Sequence[str]]) -> Iterable[Found]:
    for number, kind in cells:
        forbids = read_remark(kind).forbids
        for one in _phone_cell(number).values:
            codes = (_UNVERIFIED, line_type(kind) or one.line_type)
            said = tuple(code for code in codes if code)
            yield Found("phone", one.value, said, judged=False, forbidden=one.forbidden or forbids)


def _emails(cells: Iterable[str]) -> Iterable[Found]:
    for text in cells:
        for one in _email_cell(text).values:
            if not one.forbidden:
                yield Found("email", one.value, (_UNVERIFIED,), judged=False)


def _legible(text: str) -> str:
    """A cell as it is kept. One with damaged bytes (lone surrogates) is no value, nor is one cut off at its length."""
    return "\ufffd" if _DAMAGED.search(text) else text.strip()[: _LONGEST_VALUE + 1]


def _phone_cell(text: str) -> Cell:
    return read_phones(text) if len(text) <= _LONGEST_VALUE else Cell(unread=True)


def _email_cell(text: str) -> Cell:
    return read_emails(text) if len(text) <= _LONGEST_VALUE else Cell(unread=True)


def _plain(name: str) -> str:
    return " ".join(name.replace("\ufeff", "").replace("\xa0", " ").lower().split())


def _counts(name: str) -> range:
    return range(1, MOST_NUMBERED + 1) if "{n}" in name else range(1)


def _at(name: str, number: int) -> str:
    return name.replace("{n}", str(number))


def _numbered(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each name, and in its plain form every column that it stands for."""
    return [(name, _plain(_at(name, n))) for name in names for n in _counts(name)]
