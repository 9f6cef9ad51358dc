"""BatchData's property skip trace, v1 and v3: finds phones and emails of an owner (vendor contracts §5).

Only what the contracts call certain is relied on: an email's key is `email` or `address`, a v1 person may lack its
request id, and a bad key may be answered with 200 and a login page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson

from common.contact_values import email_address, line_type, phone_number
from skiptrace.lead import Finding, Found, Question, Want
from skiptrace.provider import Rate, RefusedError, Reply, Request, UnknownAnswerError, UnpaidError
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
            answer = orjson.loads(reply.body)
            check_body_status(answer["status"])
            entries = _v3_entries(answer, questions) if self.version == "v3" else _v1_entries(answer, questions)
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


def check_body_status(status: dict[str, Any]) -> None:
    """Raise what the `status` inside an answer means when it is not 200."""
    code = int(status.get("code", _OK))
    if code >= 500:  # noqa: PLR2004 - HTTP's own classes
        raise UnpaidError(f"status_{code}")
    if code != _OK:
        raise RefusedError(f"status_{code}")


def _v1_entries(answer: dict[str, Any], questions: Sequence[Question]) -> dict[str, list[dict[str, Any]]]:
    """The persons of each question, by request id where it is echoed, else by address, without one by order."""
    persons = answer["results"]["persons"]
    entries: dict[str, list[dict[str, Any]]] = {}
    for place, person in enumerate(persons):
        lead_id = str((person.get("request") or {}).get("requestId") or "")
        address = person.get("propertyAddress") or {}
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
    """The owners of each property, in the form of v1: other residents are not whom we look for."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for item in answer["result"]["data"]:
        lead_id = str((item.get("input") or {}).get("requestId") or _at(item["inputIndex"], questions).lead_id)
        persons = item.get("persons") or []
        owners = [person for person in persons if person.get("propertyOwner")]
        entries[lead_id] = [
            {
                "meta": item.get("meta") or {},
                "phoneNumbers": person.get("phones"),
                "emails": person.get("emails"),
                "litigator": person.get("litigator"),
                "death": {"deceased": person.get("deceased")},
            }
            for person in owners
        ]
    return entries


def _at(index: object, questions: Sequence[Question]) -> Question:
    """The question of that place; never counted from the end."""
    return dict(enumerate(questions))[int(str(index))]


def _finding(question: Question, persons: list[dict[str, Any]]) -> Finding:
    matched = [person for person in persons if _is_match(person.get("meta") or {})]
    said = {code for person in matched for code in _person_codes(person)}
    if not all("deceased" in _person_codes(person) for person in matched):
        said.discard("deceased")  # of several owners one lives
    contacts: dict[tuple[str, str], Found] = {}
    for found in (found for person in matched for found in (*_phones(person), *_emails(person))):
        known = contacts.get((found.channel, found.value))  # of two owners, or twice of one: all that is said counts
        codes = tuple(dict.fromkeys((*known.codes, *found.codes))) if known else found.codes
        contacts[found.channel, found.value] = Found(found.channel, found.value, codes)
    person_codes = tuple(sorted(said))
    return Finding(question.lead_id, bool(matched), tuple(contacts.values()), person_codes, person_codes)


def _is_match(meta: dict[str, Any]) -> bool:
    return meta.get("matched") is True and not meta.get("error")


def _person_codes(person: dict[str, Any]) -> set[str]:
    flags = {
        "litigator": person.get("litigator"),
        "tcpa": (person.get("dnc") or {}).get("tcpa") if isinstance(person.get("dnc"), dict) else None,
        "deceased": (person.get("death") or {}).get("deceased"),
    }
    return {code for code, said in flags.items() if _is_said(said)}


def _is_said(flag: object) -> bool:
    """Whether a flag that speaks for leaving a person alone is up, in whatever type it comes."""
    return flag is True or str(flag).strip().lower() in {"true", "yes", "y", "1"}


def _phones(person: dict[str, Any]) -> Iterable[Found]:
    for phone in person.get("phoneNumbers") or ():
        value = phone_number(str(phone.get("number") or ""))
        if value is None:
            continue
        codes = [line_type(phone.get("type")), _tcpa(phone.get("tcpa"))]
        if phone.get("tested") is True and isinstance(phone.get("reachable"), bool):
            codes.append("reachable" if phone["reachable"] else "unreachable")
        if isinstance(phone.get("dnc"), bool):
            codes.append("dnc" if phone["dnc"] else "not_dnc")
        yield Found("phone", value, tuple(code for code in codes if code))


def _tcpa(flag: object) -> str | None:
    return "tcpa" if _is_said(flag) else "not_tcpa" if flag is False else None


def _emails(person: dict[str, Any]) -> Iterable[Found]:
    for email in person.get("emails") or ():
        value = email_address(str(email.get("email") or email.get("address") or ""))
        if value is not None:
            yield Found("email", value, ("tested",) if email.get("tested") is True else ())
