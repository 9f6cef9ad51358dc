"""BatchData's skip trace v1 and v3, charged for each match (docs/vendors/batchdata.md, Skip trace)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.call_statistics import CallStatistics
from sandbox.people import FakePeople, FakePerson
from sandbox.vendor_server import VendorCall, VendorRefusalError, VendorResponse, VendorServer, parse_json_object
from sandbox.vendors.batchdata import skip_trace_documents as documents
from sandbox.vendors.batchdata.callbacks import STATUS_OK

MAX_PROPERTIES_PER_CALL = 100


class SkipTraceApi:
    """Search for the owners of up to 100 properties a call."""

    def __init__(self, vendor: VendorServer, people: FakePeople, statistics: CallStatistics) -> None:
        self._vendor = vendor
        self._people = people
        self._statistics = statistics

    def _parse(self, call: VendorCall) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return the requests and options of a call. Raise VendorRefusalError (400) if they are malformed."""
        message = parse_json_object(self._vendor, call.body)
        requests, options = message.get("requests"), message.get("options") or {}
        if not isinstance(requests, list) or not requests or not all(isinstance(entry, dict) for entry in requests):
            raise self._refusal("requests must be a non-empty array of objects")
        if len(requests) > MAX_PROPERTIES_PER_CALL:
            raise self._refusal(f"requests must not have more than {MAX_PROPERTIES_PER_CALL} entries")
        if not isinstance(options, dict):
            raise self._refusal("options must be an object")
        return requests, options

    def _refusal(self, message: str) -> VendorRefusalError:
        return VendorRefusalError(self._vendor.error_response(400, message))

    def _create_document_v1(
        self, call: VendorCall, requests: Sequence[dict[str, Any]], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the document of v1. Phones on TCPA lists are omitted unless requested."""
        persons = [self._person_v1(call, request, options) for request in requests]
        self._charge(requests, persons)
        return {
            "status": STATUS_OK,
            "results": {"persons": persons, "meta": {"results": _counts(persons), "requestId": "rq_sandbox"}},
        }

    def _create_document_v3(
        self, call: VendorCall, requests: Sequence[dict[str, Any]], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the document of v3. Phones on TCPA lists are included with their flag, unless the options exclude them."""
        data = [self._entry_v3(call, index, request, options) for index, request in enumerate(requests)]
        self._charge(requests, data)
        meta = {"apiVersion": "3.0.0", "results": _counts(data), "requestId": "rq_sandbox"}
        return {"status": STATUS_OK, "result": {"data": data, "options": dict(options), "meta": meta}}

    async def respond_v1(self, call: VendorCall) -> VendorResponse:
        """Answer `POST /api/v1/property/skip-trace`."""
        return VendorResponse(self._create_document_v1(call, *self._parse(call)))

    async def respond_v3(self, call: VendorCall) -> VendorResponse:
        """Answer `POST /api/v3/property/skip-trace`."""
        return VendorResponse(self._create_document_v3(call, *self._parse(call)))

    def _person_v1(self, call: VendorCall, request: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        if message := _error_message(call, request):
            return documents.create_failure_v1(request, message)
        person, is_found = self._look_up(call, request)
        return documents.create_person_v1(
            request,
            person,
            is_found=is_found,
            with_tcpa=bool(options.get("includeTCPABlacklistedPhones", False)),
            email_key="address" if call.find_fault("email_as_address") else "email",
            with_id=call.find_fault("no_request_id") is None,
        )

    def _entry_v3(
        self, call: VendorCall, index: int, request: dict[str, Any], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        if message := _error_message(call, request):
            return documents.create_failure_v3(index, request, message)
        person, is_found = self._look_up(call, request)
        with_tcpa = bool(options.get("includeTCPABlacklistedPhones", True))
        return documents.create_entry_v3(index, request, person, is_found=is_found, with_tcpa=with_tcpa)

    def _look_up(self, call: VendorCall, request: Mapping[str, Any]) -> tuple[FakePerson, bool]:
        name = request.get("name")
        first, last = (str(name.get(part) or "") for part in ("first", "last")) if isinstance(name, dict) else ("", "")
        person = self._people.person_at(documents.parse_address(request), first, last)
        if call.is_record_hit("litigator", request):
            person = replace(person, is_litigator=True)
        return person, person.is_found and not call.is_record_hit("no_match", request)

    def _charge(self, requests: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]) -> None:
        matched = (request for request, entry in zip(requests, entries, strict=True) if entry["meta"]["matched"])
        self._statistics.record_charges(
            self._vendor.name, "skip_trace", (str(request.get("requestId") or request) for request in matched)
        )


def _error_message(call: VendorCall, request: Mapping[str, Any]) -> str | None:
    if call.is_record_hit("partial", request):
        return "Unable to process request"
    return None if documents.has_property(request) else "propertyAddress, or apn with its county, is required"


def _counts(entries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    matched = sum(entry["meta"]["matched"] for entry in entries)
    failed = sum(entry["meta"]["error"] for entry in entries)
    return {
        "requestCount": len(entries),
        "matchCount": matched,
        "noMatchCount": len(entries) - matched - failed,
        "errorCount": failed,
    }
