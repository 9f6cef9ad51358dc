"""Melissa Personator Consumer, `doContactVerify` (contracts §4; openapi/apis/personator-consumer.yaml and the table of result codes).

Blanks are a single space, `TotalRecords` is text, and a transmission's error comes with status 200.
"""

from collections.abc import Mapping, Sequence
from http.client import responses
from typing import Any, ClassVar

from sandbox.ledger import Ledger
from sandbox.limits import Limit
from sandbox.people import Address, People, Person
from sandbox.settings import SandboxSettings
from sandbox.vendor import Answer, Call, Operation, RefusedError, Vendor, json_object

PATH = "/v3/WEB/ContactVerify/doContactVerify"
MOST_RECORDS = 100
_BLANK = " "
_PARAMETERS = {
    "a1": "AddressLine1", "a2": "AddressLine2", "city": "City", "state": "State", "postal": "PostalCode", "ctry": "Country",
    "lastline": "LastLine", "first": "FirstName", "last": "LastName", "full": "FullName", "comp": "CompanyName",
    "email": "EmailAddress", "phone": "PhoneNumber",
}  # fmt: skip


class Melissa(Vendor):
    """Checks, verifies and appends contact details of up to 100 records a call; each record is a credit."""

    name = "melissa"
    faults: ClassVar[Mapping[str, str]] = {
        "invalid_key": "200 with GE05: nothing was done, nothing is charged.",
        "product_disabled": "200 with GE08.",
        "out_of_credits": "200 with GE14.",
        "partial": "Records that contain `contains` are missing from the answer, but charged.",
        "deceased": "Such records carry DD01.",
        "no_match": "Such records are not found: AE01 and VS00, and nothing is appended.",
    }
    everywhere = frozenset(faults)
    _TRANSMISSION: ClassVar[Mapping[str, str]] = {
        "invalid_key": "GE05",
        "product_disabled": "GE08",
        "out_of_credits": "GE14",
    }

    def __init__(self, settings: SandboxSettings, people: People, ledger: Ledger) -> None:
        self._license = settings.sandbox_melissa_license.get_secret_value()
        self._limit = Limit(settings.sandbox_melissa_records_per_second, 1)
        self._people = people
        self._ledger = ledger
        self.operations = (
            Operation("verify", "POST", PATH, self._verify_batch),
            Operation("verify_one", "GET", PATH, self._verify_one),
        )

    def admit(self, call: Call) -> None:
        """Anyone: the key is part of the message, and a wrong one is answered with status 200."""

    def error(self, status: int, message: str) -> Answer:
        """Problem JSON; 429 and 401 have no body."""
        if status in {401, 429}:
            return Answer(b"", status)
        title = responses.get(status, message)
        body = {"type": "about:blank", "title": title, "status": status, "errors": {}, "traceId": "00-sandbox-00"}
        return Answer(body, status, content_type="application/problem+json")

    def clear(self) -> None:
        """Give the second's records back."""
        self._limit.clear()

    async def _verify_batch(self, call: Call) -> Answer:
        return self._verify(call, json_object(self, call.body))

    async def _verify_one(self, call: Call) -> Answer:
        query = call.request.query
        record = {name: query[parameter] for parameter, name in _PARAMETERS.items() if parameter in query}
        message = {
            "TransmissionReference": query.get("t", ""),
            "CustomerID": query.get("id", ""),
            "Actions": query.get("act", "Check"),
            "Columns": query.get("cols", ""),
            "Options": query.get("opt", ""),
            "Records": [{"RecordID": "1", **record}],
        }
        return self._verify(call, message)

    def _verify(self, call: Call, message: Mapping[str, Any]) -> Answer:
        reference = str(message.get("TransmissionReference") or _BLANK)
        records = message.get("Records")
        if failure := self._failure(call, message, records):
            return Answer(_transmission(reference, failure, []))
        assert isinstance(records, list)  # noqa: S101 - or it had failed
        if not all(isinstance(record, dict) for record in records):
            raise RefusedError(self.error(400, "Records must be objects"))
        if not self._limit.take(len(records)):
            raise RefusedError(self.error(429, ""))
        self._ledger.pay(self.name, "verify", map(subject_of, records))
        kept = [record for record in records if not call.hits("partial", record)]
        return Answer(_transmission(reference, _BLANK, [self._record(call, message, record) for record in kept]))

    def _failure(self, call: Call, message: Mapping[str, Any], records: object) -> str | None:
        """The transmission's code, when nothing can be done."""
        if hit := next((code for kind, code in self._TRANSMISSION.items() if call.fault(kind)), None):
            return hit
        if not message.get("CustomerID"):
            return "GE04"
        if message["CustomerID"] != self._license:
            return "GE05"
        if not isinstance(records, list) or not records:
            return "GE02"
        return "GE03" if len(records) > MOST_RECORDS else None

    def _record(self, call: Call, message: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
        actions = {action.strip().lower() for action in str(message.get("Actions") or "Check").split(",")}
        columns = {column.strip() for column in str(message.get("Columns") or "").split(",")}
        first, last = _name(record)
        address = _address(record)
        person = self._people.at(address, first, last)
        if call.hits("no_match", record):
            return _line(record, ["AE01", "VS00"], person, columns, is_addressed=False)
        codes = list(person.address_codes) if address.street else []
        is_addressed = "AS01" in codes or "AS02" in codes
        filled = dict(record)
        if "append" in actions and is_addressed and person.is_found:
            codes += _append(filled, person, always="append:always" in str(message.get("Options")).lower())
        codes += self._contact_codes(filled)
        if "verify" in actions:
            codes += self._relations(filled, person, is_addressed=is_addressed, is_named=bool(last))
        if person.is_deceased or call.hits("deceased", record):
            codes.append("DD01")
        return _line(filled, codes, person, columns, is_addressed=is_addressed)

    def _contact_codes(self, record: Mapping[str, Any]) -> list[str]:
        phone, email = str(record.get("PhoneNumber") or "").strip(), str(record.get("EmailAddress") or "").strip()
        codes = [*self._people.phone_codes(phone)] if phone else []
        return codes + ([*self._people.email_codes(email)] if email else [])

    def _relations(self, record: Mapping[str, Any], person: Person, *, is_addressed: bool, is_named: bool) -> list[str]:
        """Which two of name, address, phone and email belong together: VR01 to VR06, or why not."""
        phone, email = str(record.get("PhoneNumber") or "").strip(), str(record.get("EmailAddress") or "").strip()
        has_phone = bool(phone) and self._people.belongs(person, phone)
        has_email = bool(email) and self._people.belongs(person, email)
        is_named = is_named and person.name_is_known
        pairs = (
            ("VR01", is_named and is_addressed), ("VR02", is_named and has_phone), ("VR03", is_named and has_email),
            ("VR04", is_addressed and has_phone), ("VR05", is_addressed and has_email), ("VR06", has_phone and has_email),
            ("VS30", bool(phone) and not has_phone), ("VS40", bool(email) and not has_email),
            ("VS02", is_addressed and not person.name_is_known),
        )  # fmt: skip
        return [code for code, is_true in pairs if is_true]


def subject_of(record: Mapping[str, Any]) -> str:
    """Whom a paid record is about: its id, or what it says."""
    return str(record.get("RecordID") or record)


def _transmission(reference: str, results: str, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Version": "5.6.13",
        "TransmissionReference": reference,
        "TransmissionResults": results,
        "TotalRecords": str(len(records)),
        "Records": list(records),
    }


def _name(record: Mapping[str, Any]) -> tuple[str, str]:
    first, last = str(record.get("FirstName") or ""), str(record.get("LastName") or "")
    if not last and (words := str(record.get("FullName") or "").split()):
        first, last = " ".join(words[:-1]), words[-1]
    return first, last


def _address(record: Mapping[str, Any]) -> Address:
    street = " ".join(str(record.get(name) or "").strip() for name in ("AddressLine1", "AddressLine2")).strip()
    place = (str(record.get(name) or "").strip() for name in ("City", "State", "PostalCode"))
    return Address(street, *place)


def _append(record: dict[str, Any], person: Person, *, always: bool) -> list[str]:
    """Fill in what is blank, or with Append:Always everything; the codes that say so."""
    codes = []
    if person.phones and (always or not str(record.get("PhoneNumber") or "").strip()):
        record["PhoneNumber"] = person.phones[0].number
        codes.append("DA30")
    if person.emails and (always or not str(record.get("EmailAddress") or "").strip()):
        record["EmailAddress"] = person.emails[0]
        codes.append("DA40")
    return codes


def _line(
    record: Mapping[str, Any], codes: Sequence[str], person: Person, columns: set[str], *, is_addressed: bool
) -> dict[str, Any]:
    """A record of the answer."""
    zip_code = str(record.get("PostalCode") or "").strip()
    plus4 = person.mak[-4:]
    first, last = _name(record)
    line = {
        "RecordID": str(record.get("RecordID") or _BLANK),
        "Results": ",".join(codes) or _BLANK,
        **{name: str(record.get(name) or _BLANK) for name in ("AddressLine1", "AddressLine2", "City", "State")},
        "PostalCode": f"{zip_code[:5]}-{plus4}" if is_addressed and zip_code else zip_code or _BLANK,
        "AddressKey": f"{zip_code[:5]}{plus4}{person.mak[:2]}" if is_addressed else _BLANK,
        **{name: str(record.get(name) or _BLANK) for name in ("CompanyName", "EmailAddress", "PhoneNumber")},
        "NameFull": f"{first} {last}".strip() or _BLANK,
        "MelissaAddressKey": person.mak if is_addressed else _BLANK,
        **dict.fromkeys(("AddressExtras", "MelissaAddressKeyBase", "RecordExtras", "Reserved"), _BLANK),
    }
    if "MelissaIdentityKey" in columns:
        line["MelissaIdentityKey"] = f"{person.mak[::-1]}L" if is_addressed and last else _BLANK
    return line
