"""BatchData's REST addresses (contracts §5)."""

from collections.abc import Mapping, Sequence
from http.client import responses
from typing import Any, ClassVar

from sandbox.deliveries import Deliveries
from sandbox.ledger import Ledger
from sandbox.limits import Limit
from sandbox.people import People
from sandbox.settings import SandboxSettings
from sandbox.vendor import Answer, Call, Operation, RefusedError, Vendor, read
from sandbox.vendors.batchdata.callbacks import FAULTS as CALLBACK_FAULTS
from sandbox.vendors.batchdata.callbacks import OK, Callbacks
from sandbox.vendors.batchdata.phones import CHECKS, Phones
from sandbox.vendors.batchdata.properties import Properties
from sandbox.vendors.batchdata.searching import UNMOVED, Criteria, Lookup, Lookups, Page, Search, Shift
from sandbox.vendors.batchdata.tracing import Tracing


class BatchData(Vendor):
    """Skip trace, property search and lookup, and phone checks."""

    name = "batchdata"
    faults: ClassVar[Mapping[str, str]] = {
        "no_balance": "403: insufficient balance.",
        "partial": "Requests that contain `contains` come back with `meta.error`; the others are worked on.",
        "no_match": "Such requests come back with `meta.matched` false and empty lists.",
        "litigator": "Such requests come back with `litigator` true and no phones.",
        "email_as_address": "v1: the key of an email is `address` instead of `email`.",
        "no_request_id": "v1: `request.requestId` is not echoed.",
        "short_page": "Property search: at most 25 of a page, whatever was asked for.",
        "callback_twice": "Asynchronous calls: the result is delivered twice.",
        "callback_lost": "Asynchronous calls: the result is never delivered.",
    }

    everywhere = frozenset({"no_balance"})

    def __init__(self, settings: SandboxSettings, people: People, ledger: Ledger, deliveries: Deliveries) -> None:
        self._token = settings.sandbox_batchdata_token.get_secret_value()
        self._limit = Limit(settings.sandbox_batchdata_requests_per_minute, 60)
        self._people = people
        self._ledger = ledger
        tracing = Tracing(self, people, ledger)
        self._properties = Properties(settings.sandbox_seed, people)
        phones = Phones(self, people, ledger)
        later = Callbacks(self, deliveries).later
        v1, v3 = "/api/v1", "/api/v3"
        found = ("partial", "no_match", "litigator")
        self.operations = (
            Operation(
                "skip_trace",
                "POST",
                f"{v1}/property/skip-trace",
                tracing.answer_v1,
                (*found, "email_as_address", "no_request_id"),
            ),
            Operation("skip_trace_v3", "POST", f"{v3}/property/skip-trace", tracing.answer_v3, found),
            Operation(
                "skip_trace_async",
                "POST",
                f"{v1}/property/skip-trace/async",
                later(tracing.answer_v1),
                (*found, *CALLBACK_FAULTS, "email_as_address", "no_request_id"),
            ),
            Operation("search", "POST", f"{v1}/property/search", self._search, ("short_page",)),
            Operation("lookup", "POST", f"{v1}/property/lookup/all-attributes", self._look_up),
            *(
                operation
                for name in CHECKS
                for operation in (
                    Operation(f"phone_{name}", "POST", f"{v1}/phone/{name}", phones.check(name)),
                    Operation(
                        f"phone_{name}_async",
                        "POST",
                        f"{v1}/phone/{name}/async",
                        later(phones.check(name)),
                        CALLBACK_FAULTS,
                    ),
                )
            ),
        )

    def admit(self, call: Call) -> None:
        """With the token, within the minute's limit, with a balance. Raises RefusedError."""
        self.check_token(call)
        if not self._limit.take():
            raise RefusedError(self.error(429, "Too many requests"))
        if call.fault("no_balance"):
            raise RefusedError(self.error(403, "Insufficient balance or invalid token permission"))

    def check_token(self, call: Call) -> None:
        """Raise RefusedError (401) without the token."""
        if call.request.headers.get("Authorization") != f"Bearer {self._token}":
            raise RefusedError(self.error(401, "Invalid or missing API token"))

    def error(self, status: int, message: str) -> Answer:
        """`{"status": {"code", "text", "message"}}`."""
        return Answer({"status": {"code": status, "text": responses.get(status, "Error"), "message": message}}, status)

    def clear(self) -> None:
        """Give the minute's calls back."""
        self._limit.clear()

    async def _search(self, call: Call) -> Answer:
        wanted = read(self, Search, call.body)
        page = wanted.options.shortened() if call.fault("short_page") else wanted.options
        return Answer(self.search(wanted.criteria, page))

    def search(self, criteria: Criteria, page: Page, shift: Shift = UNMOVED) -> dict[str, Any]:
        """A page of the properties that meet *criteria*; each one on the page is charged, so that counting is free."""
        found = self._properties.found(criteria, shift)
        shown = found[page.skip : page.skip + page.take]
        self._ledger.pay(self.name, "search", (entry["_id"] for entry in shown))
        return _found(shown, len(found))

    async def _look_up(self, call: Call) -> Answer:
        return Answer(self.look_up(read(self, Lookups, call.body).requests))

    def look_up(self, wanted: Sequence[Lookup]) -> dict[str, Any]:
        """The properties at addresses, or of parcels in counties; each is charged."""
        found = [self._properties.at(lookup) for lookup in wanted]
        self._ledger.pay(self.name, "lookup", (entry["_id"] for entry in found))
        return _found(found, len(found))


def _found(properties: list[dict[str, Any]], in_all: int) -> dict[str, Any]:
    meta = {"results": {"resultsFound": in_all, "resultCount": len(properties)}, "requestId": "rq_sandbox"}
    return {"status": OK, "results": {"properties": properties, "meta": meta}}
