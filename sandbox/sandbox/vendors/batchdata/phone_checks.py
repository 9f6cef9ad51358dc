"""BatchData's phone checks, charged for each number (docs/vendors/batchdata.md, Phone checks)."""

import re
from collections.abc import Sequence
from typing import Any

from sandbox.call_statistics import CallStatistics
from sandbox.people import FakePeople
from sandbox.vendor_server import VendorCall, VendorRefusalError, VendorResponse, VendorServer, parse_json_object
from sandbox.vendors.batchdata.callbacks import STATUS_OK, Respond

MAX_PHONES_PER_CALL = 100
"""Not published; the same as the limit of the skip trace."""
FIELDS_OF_CHECK = {"verification": ("type", "carrier", "reachable"), "dnc": ("dnc",), "tcpa": ("tcpa",)}
"""By the last part of the path of a check: the fields that it answers."""

_PHONE_DIGITS = 10
"""Digits of a phone number in North America."""


class PhoneChecks:
    """Checks of up to 100 phone numbers a call."""

    def __init__(self, vendor: VendorServer, people: FakePeople, statistics: CallStatistics) -> None:
        self._vendor = vendor
        self._people = people
        self._statistics = statistics

    def operation_of(self, check: str) -> Respond:
        """Return the operation of `POST /api/v1/phone/` and *check*."""

        async def respond(call: VendorCall) -> VendorResponse:
            numbers = self._parse_numbers(call)
            self._statistics.record_charges(self._vendor.name, f"phone_{check}", numbers)
            entries = [self._facts(number, FIELDS_OF_CHECK[check]) for number in numbers]
            return VendorResponse({"status": STATUS_OK, "results": {"phoneNumbers": entries}})

        return respond

    def _parse_numbers(self, call: VendorCall) -> list[str]:
        """Return the ten digits of each requested number. Raise VendorRefusalError (400) if one is not a number."""
        requests = parse_json_object(self._vendor, call.body).get("requests")
        if not isinstance(requests, list) or not all(isinstance(number, str) for number in requests):
            raise self._refusal("requests must be an array of phone numbers")
        if len(requests) > MAX_PHONES_PER_CALL:
            raise self._refusal(f"requests must not have more than {MAX_PHONES_PER_CALL} entries")
        numbers = [re.sub("[^0-9]", "", number)[-_PHONE_DIGITS:] for number in requests]
        if any(len(number) < _PHONE_DIGITS for number in numbers):
            raise self._refusal("requests must be phone numbers of ten digits")
        return numbers

    def _refusal(self, message: str) -> VendorRefusalError:
        return VendorRefusalError(self._vendor.error_response(400, message))

    def _facts(self, number: str, fields: Sequence[str]) -> dict[str, Any]:
        phone = self._people.phone_facts(number)
        facts = {
            "type": phone.line, "carrier": phone.carrier, "reachable": phone.reachable, "dnc": phone.dnc, "tcpa": phone.tcpa,
        }  # fmt: skip
        return {"number": number, **{name: facts[name] for name in fields}}
