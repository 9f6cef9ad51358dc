"""BatchData's REST API (docs/vendors/batchdata.md)."""

from collections.abc import Iterator, Mapping, Sequence
from http.client import responses
from typing import Any, ClassVar

from sandbox.call_limit import CallLimit
from sandbox.call_statistics import CallStatistics
from sandbox.deliveries import OutgoingDeliveries
from sandbox.people import FakePeople
from sandbox.settings import SandboxSettings
from sandbox.vendor_server import (
    VendorCall,
    VendorOperation,
    VendorRefusalError,
    VendorResponse,
    VendorServer,
    parse_request,
)
from sandbox.vendors.batchdata.callbacks import CALLBACK_FAULTS, STATUS_OK, ResultCallbacks
from sandbox.vendors.batchdata.phone_checks import FIELDS_OF_CHECK, PhoneChecks
from sandbox.vendors.batchdata.property_catalog import PropertyCatalog
from sandbox.vendors.batchdata.property_requests import (
    UNSHIFTED,
    PageOptions,
    PropertyCriteria,
    PropertyLookup,
    PropertyLookupRequest,
    PropertySearchRequest,
    ResultShift,
)
from sandbox.vendors.batchdata.skip_trace import SkipTraceApi

_V1, _V3 = "/api/v1", "/api/v3"
_MATCH_FAULTS = ("partial", "no_match", "litigator")
_V1_FAULTS = ("email_as_address", "no_request_id")


class BatchDataServer(VendorServer):
    """Stand-in for skip trace, property search and lookup, and phone checks."""

    name = "batchdata"
    fault_descriptions: ClassVar[Mapping[str, str]] = {
        "no_balance": "403: insufficient balance.",
        "partial": "Requests with the text `contains` come back with `meta.error`; the others are processed.",
        "no_match": "Such requests come back with `meta.matched` false and empty lists.",
        "litigator": "Such requests come back with `litigator` true and no phones.",
        "email_as_address": "v1: the key of an email is `address` instead of `email`.",
        "no_request_id": "v1: `request.requestId` is not echoed.",
        "short_page": "Property search: at most 25 on a page, even if more are requested.",
        "callback_twice": "Asynchronous calls: the result is delivered twice.",
        "callback_lost": "Asynchronous calls: the result is never delivered.",
    }

    faults_of_every_operation = frozenset({"no_balance"})

    def __init__(
        self, settings: SandboxSettings, people: FakePeople, statistics: CallStatistics, deliveries: OutgoingDeliveries
    ) -> None:
        self._token = settings.sandbox_batchdata_token.get_secret_value()
        self._limit = CallLimit(settings.sandbox_batchdata_requests_per_minute, 60)
        self._statistics = statistics
        self._catalog = PropertyCatalog(settings.sandbox_seed, people)
        callbacks = ResultCallbacks(self, deliveries)
        self.operations = (
            *_skip_trace_operations(SkipTraceApi(self, people, statistics), callbacks),
            VendorOperation("search", "POST", f"{_V1}/property/search", self._search, ("short_page",)),
            VendorOperation("lookup", "POST", f"{_V1}/property/lookup/all-attributes", self._look_up),
            *_phone_operations(PhoneChecks(self, people, statistics), callbacks),
        )

    def check_access(self, call: VendorCall) -> None:
        """Raise VendorRefusalError without the token, above the limit of a minute, or without a balance."""
        self.check_token(call)
        if not self._limit.acquire_units():
            raise VendorRefusalError(self.error_response(429, "Too many requests"))
        if call.find_fault("no_balance"):
            raise VendorRefusalError(self.error_response(403, "Insufficient balance or invalid token permission"))

    def check_token(self, call: VendorCall) -> None:
        """Raise VendorRefusalError (401) without the token."""
        if call.request.headers.get("Authorization") != f"Bearer {self._token}":
            raise VendorRefusalError(self.error_response(401, "Invalid or missing API token"))

    def error_response(self, status: int, message: str) -> VendorResponse:
        """Return `{"status": {"code", "text", "message"}}`."""
        error = {"code": status, "text": responses.get(status, "Error"), "message": message}
        return VendorResponse({"status": error}, status)

    def clear_state(self) -> None:
        """Reset the rate limit."""
        self._limit.restore_units()

    async def _search(self, call: VendorCall) -> VendorResponse:
        request = parse_request(self, PropertySearchRequest, call.body)
        page = request.options.with_short_page() if call.find_fault("short_page") else request.options
        return VendorResponse(self.search_properties(request.criteria, page))

    def search_properties(
        self, criteria: PropertyCriteria, page: PageOptions, shift: ResultShift = UNSHIFTED
    ) -> dict[str, Any]:
        """Return a page of the properties that meet *criteria*. Each one on the page is charged, so counting is free."""
        properties = self._catalog.find_properties(criteria, shift)
        shown = properties[page.skip : page.skip + page.take]
        self._statistics.record_charges(self.name, "search", (entry["_id"] for entry in shown))
        return _property_document(shown, len(properties))

    async def _look_up(self, call: VendorCall) -> VendorResponse:
        request = parse_request(self, PropertyLookupRequest, call.body)
        return VendorResponse(self.look_up_properties(request.requests))

    def look_up_properties(self, lookups: Sequence[PropertyLookup]) -> dict[str, Any]:
        """Return the properties at addresses, or of parcels in counties. Each one is charged."""
        properties = [self._catalog.property_of(lookup) for lookup in lookups]
        self._statistics.record_charges(self.name, "lookup", (entry["_id"] for entry in properties))
        return _property_document(properties, len(properties))


def _skip_trace_operations(skip_trace: SkipTraceApi, callbacks: ResultCallbacks) -> Iterator[VendorOperation]:
    path = f"{_V1}/property/skip-trace"
    yield VendorOperation("skip_trace", "POST", path, skip_trace.respond_v1, (*_MATCH_FAULTS, *_V1_FAULTS))
    yield VendorOperation("skip_trace_v3", "POST", f"{_V3}/property/skip-trace", skip_trace.respond_v3, _MATCH_FAULTS)
    yield VendorOperation(
        "skip_trace_async",
        "POST",
        f"{path}/async",
        callbacks.make_asynchronous(skip_trace.respond_v1),
        (*_MATCH_FAULTS, *CALLBACK_FAULTS, *_V1_FAULTS),
    )


def _phone_operations(checks: PhoneChecks, callbacks: ResultCallbacks) -> Iterator[VendorOperation]:
    for name in FIELDS_OF_CHECK:
        path, respond = f"{_V1}/phone/{name}", checks.operation_of(name)
        yield VendorOperation(f"phone_{name}", "POST", path, respond)
        yield VendorOperation(
            f"phone_{name}_async", "POST", f"{path}/async", callbacks.make_asynchronous(respond), CALLBACK_FAULTS
        )


def _property_document(properties: list[dict[str, Any]], total: int) -> dict[str, Any]:
    meta = {"results": {"resultsFound": total, "resultCount": len(properties)}, "requestId": "rq_sandbox"}
    return {"status": STATUS_OK, "results": {"properties": properties, "meta": meta}}
