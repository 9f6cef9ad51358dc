"""Melissa Personator Consumer, operation `doContactVerify` (docs/vendors/melissa.md).

Sources: `openapi/apis/personator-consumer.yaml` of github.com/MelissaData/MelissaCloudAPI-OpenAPI-Specifications, and the table of
result codes at docs.melissa.com. A blank is a single space, `TotalRecords` is text, and an error of a transmission comes with status 200.
"""

from collections.abc import Mapping, Sequence
from http.client import responses
from typing import Any, ClassVar

from sandbox.call_limit import CallLimit
from sandbox.call_statistics import CallStatistics
from sandbox.people import FakePeople, FakePerson, PostalAddress
from sandbox.settings import SandboxSettings
from sandbox.vendor_server import (
    VendorCall,
    VendorOperation,
    VendorRefusalError,
    VendorResponse,
    VendorServer,
    parse_json_object,
)

_PATH = "/v3/WEB/ContactVerify/doContactVerify"
MAX_RECORDS_PER_CALL = 100
_BLANK = " "
_FIELD_OF_PARAMETER = {
    "a1": "AddressLine1", "a2": "AddressLine2", "city": "City", "state": "State", "postal": "PostalCode", "ctry": "Country",
    "lastline": "LastLine", "first": "FirstName", "last": "LastName", "full": "FullName", "comp": "CompanyName",
    "email": "EmailAddress", "phone": "PhoneNumber",
}  # fmt: skip


class MelissaServer(VendorServer):
    """Stand-in that checks, verifies and appends contact details of up to 100 records a call. Each record costs a credit."""

    name = "melissa"
    fault_descriptions: ClassVar[Mapping[str, str]] = {
        "invalid_key": "200 with GE05: no effect and no charge.",
        "product_disabled": "200 with GE08.",
        "out_of_credits": "200 with GE14.",
        "partial": "Records with the text `contains` are missing in the response, but charged.",
        "deceased": "Such records carry DD01.",
        "no_match": "Such records are not found: AE01 and VS00, and nothing is appended.",
    }
    faults_of_every_operation = frozenset(fault_descriptions)
    _CODE_OF_FAULT: ClassVar[Mapping[str, str]] = {
        "invalid_key": "GE05",
        "product_disabled": "GE08",
        "out_of_credits": "GE14",
    }

    def __init__(self, settings: SandboxSettings, people: FakePeople, statistics: CallStatistics) -> None:
        self._license = settings.sandbox_melissa_license.get_secret_value()
        self._limit = CallLimit(settings.sandbox_melissa_records_per_second, 1)
        self._people = people
        self._statistics = statistics
        self.operations = (
            VendorOperation("verify", "POST", _PATH, self._verify_batch),
            VendorOperation("verify_one", "GET", _PATH, self._verify_one),
        )

    def check_access(self, call: VendorCall) -> None:
        """Allow every call. The key is part of the message, and a wrong one is answered with status 200."""

    def error_response(self, status: int, message: str) -> VendorResponse:
        """Return problem JSON; 401 and 429 have no body."""
        if status in {401, 429}:
            return VendorResponse(b"", status)
        title = responses.get(status, message)
        body = {"type": "about:blank", "title": title, "status": status, "errors": {}, "traceId": "00-sandbox-00"}
        return VendorResponse(body, status, content_type="application/problem+json")

    def clear_state(self) -> None:
        """Reset the rate limit."""
        self._limit.restore_units()

    async def _verify_batch(self, call: VendorCall) -> VendorResponse:
        return self._verify(call, parse_json_object(self, call.body))

    async def _verify_one(self, call: VendorCall) -> VendorResponse:
        query = call.request.query
        record = {name: query[parameter] for parameter, name in _FIELD_OF_PARAMETER.items() if parameter in query}
        message = {
            "TransmissionReference": query.get("t", ""),
            "CustomerID": query.get("id", ""),
            "Actions": query.get("act", "Check"),
            "Columns": query.get("cols", ""),
            "Options": query.get("opt", ""),
            "Records": [{"RecordID": "1", **record}],
        }
        return self._verify(call, message)

    def _verify(self, call: VendorCall, message: Mapping[str, Any]) -> VendorResponse:
        reference = str(message.get("TransmissionReference") or _BLANK)
        records = message.get("Records")
        if failure := self._transmission_error(call, message, records):
            return VendorResponse(_transmission(reference, failure, []))
        assert isinstance(records, list)  # noqa: S101 - _transmission_error refuses anything else
        if not all(isinstance(record, dict) for record in records):
            raise VendorRefusalError(self.error_response(400, "Records must be objects"))
        if not self._limit.acquire_units(len(records)):
            raise VendorRefusalError(self.error_response(429, ""))
        self._statistics.record_charges(self.name, "verify", map(_record_subject, records))
        answered = [record for record in records if not call.is_record_hit("partial", record)]
        return VendorResponse(
            _transmission(reference, _BLANK, [self._verify_record(call, message, record) for record in answered])
        )

    def _transmission_error(self, call: VendorCall, message: Mapping[str, Any], records: object) -> str | None:
        """Return the code of a transmission that fails as a whole, or None."""
        if code_of_fault := next((code for kind, code in self._CODE_OF_FAULT.items() if call.find_fault(kind)), None):
            return code_of_fault
        if not message.get("CustomerID"):
            return "GE04"
        if message["CustomerID"] != self._license:
            return "GE05"
        if not isinstance(records, list) or not records:
            return "GE02"
        return "GE03" if len(records) > MAX_RECORDS_PER_CALL else None

    def _verify_record(self, call: VendorCall, message: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
        actions = {action.strip().lower() for action in str(message.get("Actions") or "Check").split(",")}
        columns = {column.strip() for column in str(message.get("Columns") or "").split(",")}
        first, last = _name(record)
        address = _address(record)
        person = self._people.person_at(address, first, last)
        if call.is_record_hit("no_match", record):
            return _response_record(record, ["AE01", "VS00"], person, columns, is_addressed=False)
        codes = list(person.address_codes) if address.street else []
        is_addressed = "AS01" in codes or "AS02" in codes
        completed = dict(record)
        if "append" in actions and is_addressed and person.is_found:
            codes += _append_contacts(completed, person, always="append:always" in str(message.get("Options")).lower())
        codes += self._contact_codes(completed)
        if "verify" in actions:
            codes += self._pair_codes(completed, person, is_addressed=is_addressed, is_named=bool(last))
        if person.is_deceased or call.is_record_hit("deceased", record):
            codes.append("DD01")
        return _response_record(completed, codes, person, columns, is_addressed=is_addressed)

    def _contact_codes(self, record: Mapping[str, Any]) -> list[str]:
        phone, email = str(record.get("PhoneNumber") or "").strip(), str(record.get("EmailAddress") or "").strip()
        codes = [*self._people.phone_codes(phone)] if phone else []
        return codes + ([*self._people.email_codes(email)] if email else [])

    def _pair_codes(
        self, record: Mapping[str, Any], person: FakePerson, *, is_addressed: bool, is_named: bool
    ) -> list[str]:
        """Return VR01 to VR06 for each pair of name, address, phone and email that belongs together, else the reason."""
        phone, email = str(record.get("PhoneNumber") or "").strip(), str(record.get("EmailAddress") or "").strip()
        has_phone = bool(phone) and self._people.belongs_to(person, phone)
        has_email = bool(email) and self._people.belongs_to(person, email)
        is_named = is_named and person.name_is_known
        pairs = (
            ("VR01", is_named and is_addressed), ("VR02", is_named and has_phone), ("VR03", is_named and has_email),
            ("VR04", is_addressed and has_phone), ("VR05", is_addressed and has_email), ("VR06", has_phone and has_email),
            ("VS30", bool(phone) and not has_phone), ("VS40", bool(email) and not has_email),
            ("VS02", is_addressed and not person.name_is_known),
        )  # fmt: skip
        return [code for code, is_true in pairs if is_true]


def _record_subject(record: Mapping[str, Any]) -> str:
    """Return the subject of a paid record: its id, or all of its text."""
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


def _address(record: Mapping[str, Any]) -> PostalAddress:
    street = " ".join(str(record.get(name) or "").strip() for name in ("AddressLine1", "AddressLine2")).strip()
    place = (str(record.get(name) or "").strip() for name in ("City", "State", "PostalCode"))
    return PostalAddress(street, *place)


def _append_contacts(record: dict[str, Any], person: FakePerson, *, always: bool) -> list[str]:
    """Fill in phone and email if they are blank, or always with Append:Always. Return the codes of the changes."""
    codes = []
    if person.phones and (always or not str(record.get("PhoneNumber") or "").strip()):
        record["PhoneNumber"] = person.phones[0].number
        codes.append("DA30")
    if person.emails and (always or not str(record.get("EmailAddress") or "").strip()):
        record["EmailAddress"] = person.emails[0]
        codes.append("DA40")
    return codes


def _response_record(
    record: Mapping[str, Any], codes: Sequence[str], person: FakePerson, columns: set[str], *, is_addressed: bool
) -> dict[str, Any]:
    """Return one record of the response."""
    zip_code = str(record.get("PostalCode") or "").strip()
    plus4 = person.mak[-4:]
    first, last = _name(record)
    response = {
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
        response["MelissaIdentityKey"] = f"{person.mak[::-1]}L" if is_addressed and last else _BLANK
    return response
