"""BatchData's property skip trace, v1 and v3: finds phones and emails of an owner (vendor contracts §5).

Only what the contracts call certain is relied on: an email's key is `email` or `address`, a v1 person may lack its
request id, and a bad key may be answered with 200 and a login page. What is odd about one person, phone or email says
nothing and costs the others of the request nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from common.contact_cells import read_emails, read_phones
from common.contact_values import line_type
from common.remarks import read_remark
from skiptrace.lead import Finding, Found, Question, Want, unite
from skiptrace.provider import Rate, Reply, Request, UnknownAnswerError, check_status
from skiptrace.router import Offer

_OK = 200


@dataclass(frozen=True, slots=True)
class BatchData:
    """BatchData under one token."""

    url: str
    token: str
    version: str
    """`v1`, or `v3`, which needs a subscription of its own."""
    cents: Decimal
    """Price of one match, in US cents."""
    requests_per_minute: int
    max_records: int
    name: str = "batchdata"
    asks_contacts: bool = False
    pause: timedelta = timedelta(seconds=1)

    @property
    def offer(self) -> Offer:
        """It finds. What it says of do-not-call lists is taken along; to ask for that alone, the phone checks cost less."""
        return Offer(self.name, frozenset({Want.PHONE, Want.EMAIL}), frozenset(), self.cents)

    @property
    def has_key(self) -> bool:
        """Whether a token is set."""
        return bool(self.token)

    @property
    def rate(self) -> Rate:
        """Requests a minute of one token."""
        return Rate(self.requests_per_minute, 60.0, counts_records=False)

    def request(self, questions: Sequence[Question]) -> Request:
        """One POST of up to 100 properties."""
        # v3 flags phones on the TCPA blacklist, so they are kept as a litigator's; v1 cannot, so they are left out.
        body = {
            "requests": [_property(question) for question in questions],
            "options": {"dateFormat": "iso-date", "includeTCPABlacklistedPhones": self.version == "v3"},
        }
        headers = {"Authorization": f"Bearer {self.token}"}
        return Request(f"{self.url.rstrip('/')}/api/{self.version}/property/skip-trace", body, headers)

    def read(self, questions: Sequence[Question], reply: Reply) -> list[Finding]:
        """What the answer says of each question."""
        try:
            answer = reply.document
            check_body_status(answer, reply)
            entries = _v3_entries(answer, questions) if "result" in answer else _v1_entries(answer, questions)
            return [_finding(question, entries.get(str(question.lead_id), [])) for question in questions]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise UnknownAnswerError("unreadable") from error

    def cost_cents(self, findings: Sequence[Finding]) -> Decimal:
        """Only matches cost."""
        return self.cents * sum(finding.matched for finding in findings)


def _property(question: Question) -> dict[str, Any]:
    person = question.person
    street = f"{person.street} {person.unit}" if person.unit else person.street
    asked: dict[str, Any] = {
        "requestId": str(question.lead_id),
        "propertyAddress": {"street": street, "city": person.city, "state": person.state, "zip": person.zip},
    }
    name = {"first": person.first_name, "last": person.last_name}
    if person.last_name:
        asked["name"] = {part: value for part, value in name.items() if value}
    return asked


def check_body_status(answer: dict[str, Any], reply: Reply) -> None:
    """Raise what the `status` inside an *answer* means, as if HTTP had said it; one that is missing says nothing."""
    check_status(replace(reply, status=int(_object(answer.get("status")).get("code", _OK))))


def _v1_entries(answer: dict[str, Any], questions: Sequence[Question]) -> dict[str, list[dict[str, Any]]]:
    """The persons of each question, by request id where it is echoed, else by address, without one by order."""
    persons = answer["results"]["persons"]
    entries: dict[str, list[dict[str, Any]]] = {}
    for place, person in _entries(persons):
        lead_id = str(_object(person.get("request")).get("requestId") or "")
        address = _object(person.get("propertyAddress"))
        if not lead_id and address:
            lead_id = _by_address(address, questions)
        elif not lead_id and len(persons) == len(questions):
            lead_id = str(questions[place].lead_id)
        if lead_id:
            entries.setdefault(lead_id, []).append(person)
    return entries


def _by_address(address: dict[str, Any], questions: Sequence[Question]) -> str:
    """The one question about this property, as it was written or else by house number and ZIP; empty where several are."""
    for parts in (_place, _house):
        asked = (
            (question, {"street": f"{question.person.street} {question.person.unit or ''}", "zip": question.person.zip})
            for question in questions
        )
        same = [question for question, written in asked if parts(written) == parts(address)]
        if len(same) == 1:
            return str(same[0].lead_id)
    return ""


def _place(address: dict[str, Any]) -> tuple[str, str]:
    return " ".join(str(address.get("street") or "").upper().split()), str(address.get("zip") or "")[:5]


def _house(address: dict[str, Any]) -> tuple[str, str]:
    street, zip_code = _place(address)
    return street.partition(" ")[0], zip_code


def _v3_entries(answer: dict[str, Any], questions: Sequence[Question]) -> dict[str, list[dict[str, Any]]]:
    """The owners of each property, in the form of v1: other residents are not whom we look for, but a match is paid for."""
    entries: dict[str, list[dict[str, Any]]] = {}
    places = {str(place): str(question.lead_id) for place, question in enumerate(questions)}
    for _, item in _entries(answer["result"]["data"]):
        lead_id = _object(item.get("input")).get("requestId") or places.get(str(item.get("inputIndex")), "")
        owners = [person for person in _objects(item.get("persons")) if _is_said(person.get("propertyOwner"))]
        entries.setdefault(str(lead_id), []).extend(
            {
                "meta": item.get("meta"),
                "phoneNumbers": person.get("phones"),
                "emails": person.get("emails"),
                "litigator": person.get("litigator"),
                "death": {"deceased": person.get("deceased")},
            }
            for person in owners or [{}]
        )
    if entries and entries.keys() == {""}:
        raise UnknownAnswerError("not_ours")
    return entries


def _finding(question: Question, persons: list[dict[str, Any]]) -> Finding:
    matched = [person for person in persons if _is_match(_object(person.get("meta")))]
    said = {code for person in persons for code in _person_codes(person)}
    if not all("deceased" in _person_codes(person) for person in matched):
        said.discard("deceased")  # of several owners one lives
    contacts = unite(found for person in matched for found in (*_phones(person), *_emails(person)))
    person_codes = tuple(sorted(said))
    return Finding(question.lead_id, bool(matched), contacts, person_codes, person_codes)


def _is_match(meta: dict[str, Any]) -> bool:
    return meta.get("matched") is True and not meta.get("error")


def _person_codes(person: dict[str, Any]) -> set[str]:
    flags = {
        "litigator": person.get("litigator"),
        "tcpa": _object(person.get("dnc")).get("tcpa"),
        "deceased": _object(person.get("death")).get("deceased"),
    }
    return {code for code, said in flags.items() if _is_said(said)}


def _is_said(flag: object) -> bool:
    """Whether a flag is up, in whatever type it comes: most speak for leaving a person alone."""
    return flag is True or str(flag).strip().lower() in {"true", "yes", "y", "1"}


def _phones(person: dict[str, Any]) -> Iterable[Found]:
    for phone in _objects(person.get("phoneNumbers")):
        cell, kind = read_phones(_text(phone.get("number"))), _text(phone.get("type"))
        codes = [line_type(kind), check_code("tcpa", phone.get("tcpa"))]
        if phone.get("tested") is True and isinstance(phone.get("reachable"), bool):
            codes.append("reachable" if phone["reachable"] else "unreachable")
        codes.append(check_code("dnc", phone.get("dnc")))
        said = tuple(code for code in (*codes, "tcpa" if cell.litigator else None) if code)
        for one in cell.values:
            yield Found("phone", one.value, said, forbidden=one.forbidden or read_remark(kind).forbids)


def check_code(name: str, flag: object) -> str | None:
    """What the verdict of a check says: *name*, `not_` and *name*, or nothing. Only a plain `false` is a no."""
    return name if _is_said(flag) else f"not_{name}" if flag is False else None


def _emails(person: dict[str, Any]) -> Iterable[Found]:
    for email in _objects(person.get("emails")):
        for one in read_emails(_text(email.get("email")) or _text(email.get("address"))).values:
            if not one.forbidden:
                yield Found("email", one.value, ("tested",) if email.get("tested") is True else ())


def _entries(found: Any) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a list, with their places. Raises TypeError where it is no list, or holds other things only."""
    entries = [(place, entry) for place, entry in enumerate(found) if isinstance(entry, dict)]
    if not isinstance(found, list) or (found and not entries):
        raise TypeError("no list of entries")
    return entries


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; anything else says nothing."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
