"""Melissa Personator Consumer, `doContactVerify`: verifies what is known and names the MAK (vendor contracts §4).

Blanks come as a single space and counts as strings; refusals come with status 200 and a code in `TransmissionResults`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from common.contact_cells import Cell, read_emails, read_phones
from skiptrace.lead import Finding, Found, Question, Want, unite
from skiptrace.provider import (
    BadQuestionError,
    Rate,
    RefusedError,
    Reply,
    Request,
    UnknownAnswerError,
    UnpaidError,
)
from skiptrace.router import Offer

PATH = "/v3/WEB/ContactVerify/doContactVerify"
_MAK = re.compile(r"[0-9]{10}")
_CODE = re.compile(r"[A-Z]{2}[0-9]{2}")
_BAD_QUESTION = {"GE01", "GE02", "GE03"}
"""Empty request, no records, too many records."""
_PHONE_CODES, _EMAIL_CODES = ("PS", "PE"), ("ES", "EE")
_BLANK = {"PE02"}


@dataclass(frozen=True, slots=True)
class Melissa:
    """Melissa under one licence."""

    url: str
    licence: str
    actions: str
    cents: Decimal
    """Price of one record, in US cents; a crash costs at most a batch of these."""
    records_per_second: int
    max_records: int
    name: str = "melissa"
    asks_contacts: bool = True
    pause: timedelta = timedelta(seconds=1)

    @property
    def offer(self) -> Offer:
        """It verifies; with `Append` among the actions it also finds."""
        contacts = frozenset({Want.PHONE, Want.EMAIL})
        finds = contacts if "append" in self.actions.lower() else frozenset[Want]()
        return Offer(self.name, finds | {Want.MAK}, contacts, self.cents)

    @property
    def has_key(self) -> bool:
        """Whether a licence is set."""
        return bool(self.licence)

    @property
    def rate(self) -> Rate:
        """Records a second, by the kind of licence: 5, 12, 200 or 400."""
        return Rate(self.records_per_second, 1.0, counts_records=True)

    def request(self, questions: Sequence[Question]) -> Request:
        """One POST of up to 100 records."""
        body = {
            "TransmissionReference": "equity-connect",
            "CustomerID": self.licence,
            "Actions": self.actions,
            "Columns": "GrpAddressDetails,GrpParsedPhone,MoveDate,OwnRent",
            "Options": "Append:Blank",
            "Records": [_record(question) for question in questions],
        }
        return Request(f"{self.url.rstrip('/')}{PATH}", body)

    def read(self, questions: Sequence[Question], reply: Reply) -> list[Finding]:
        """What the answer says of each question: of one whose record is missing nothing, so that it may be asked again."""
        records: dict[str, list[dict[str, Any]]] = {str(question.lead_id): [] for question in questions}
        try:
            answer = reply.document
            transmission = _codes(answer.get("TransmissionResults"))
            for record in answer.get("Records") or ():
                if isinstance(record, dict):
                    records.get(_text(record.get("RecordID")), []).append(record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnknownAnswerError("unreadable") from error
        for code in transmission:
            _check_transmission(code)
        if not any(records.values()):
            raise UnknownAnswerError("not_ours")
        return [_finding(question, records[str(question.lead_id)]) for question in questions]

    def cost_cents(self, findings: Sequence[Finding]) -> Decimal:
        """Every record costs, matched or not."""
        return self.cents * len(findings)


def _record(question: Question) -> dict[str, str]:
    person = question.person
    name = " ".join(filter(None, (person.first_name, person.last_name)))
    fields = {
        "RecordID": str(question.lead_id),
        "FullName": name,
        "CompanyName": person.company,
        "AddressLine1": person.street,
        "AddressLine2": person.unit,
        "City": person.city,
        "State": person.state,
        "PostalCode": person.zip,
        "Country": "US",
        "EmailAddress": question.email,
        "PhoneNumber": question.phone.removeprefix("+1") if question.phone else None,
    }
    return {name: value for name, value in fields.items() if value}


def _check_transmission(code: str) -> None:
    """Raise what a code about the whole request means: by convention GE is ours or our account's, SE the server's."""
    if code in _BAD_QUESTION:
        raise BadQuestionError(code)
    if code.startswith("GE"):
        raise RefusedError(code)
    if code.startswith("SE"):
        raise UnpaidError(code)


def _finding(question: Question, records: Sequence[dict[str, Any]]) -> Finding:
    """What the records of one id say together; there is more than one only where Melissa repeats itself."""
    codes = tuple(dict.fromkeys(code for record in records for code in _codes(record.get("Results"))))
    maks = {mak[0] for record in records if (mak := _MAK.fullmatch(_text(record.get("MelissaAddressKey"))))}
    return Finding(
        lead_id=question.lead_id,
        matched=bool(codes) and not any(code.startswith("AE") or code == "VS00" for code in codes),
        contacts=unite(found for record in records for found in _contacts(question, record)),
        codes=codes,
        person_codes=tuple(code for code in codes if code == "DD01"),
        mak=maks.pop() if len(maks) == 1 else None,
    )


def _contacts(question: Question, record: dict[str, Any]) -> list[Found]:
    """What a record says of phone and email; without any code nobody has looked at them."""
    codes = _codes(record.get("Results"))
    if not codes:
        return []
    phone, email = _text(record.get("PhoneNumber")), _text(record.get("EmailAddress"))
    return [
        *_found("phone", question.phone, _returned(phone, read_phones), _of(codes, _PHONE_CODES)),
        *_found("email", question.email, _returned(email, read_emails), _of(codes, _EMAIL_CODES)),
    ]


def _returned(text: str, read: Callable[[str], Cell]) -> str | None:
    """The value that came back; None where there is none, empty where what there is can be no one value of a person."""
    if not text:
        return None
    cell = read(text)
    return cell.values[0].value if len(cell.values) == 1 and not cell.forbidden else ""


def _found(channel: str, asked: str | None, returned: str | None, codes: tuple[str, ...]) -> list[Found]:
    """Which value the codes are about: the one returned. One that was asked and came back otherwise was corrected."""
    about = [Found(channel, returned, codes)] if returned and codes else []
    if asked is None:
        return about
    if returned in (None, asked):
        return [Found(channel, asked, codes)]
    return [Found(channel, asked), *about]


def _of(codes: tuple[str, ...], prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for code in codes if code.startswith(prefixes) and code not in _BLANK)


def _codes(text: object) -> tuple[str, ...]:
    codes = ("".join(code.split()).upper() for code in _text(text).split(","))
    return tuple(code for code in codes if _CODE.fullmatch(code))


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""
