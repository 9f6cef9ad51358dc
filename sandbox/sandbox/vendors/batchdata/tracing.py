"""BatchData's skip trace: v1, v3, and v1 asynchronous, charged per match (contracts §5.1 to §5.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.ledger import Ledger
from sandbox.people import People, Person
from sandbox.vendor import Answer, Call, RefusedError, Vendor, json_object
from sandbox.vendors.batchdata import shapes
from sandbox.vendors.batchdata.callbacks import OK

MOST_PROPERTIES = 100


class Tracing:
    """Finds the owners of up to 100 properties a call."""

    def __init__(self, vendor: Vendor, people: People, ledger: Ledger) -> None:
        self._vendor = vendor
        self._people = people
        self._ledger = ledger

    def requests(self, call: Call) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The call's requests and options. Raises RefusedError (400)."""
        message = json_object(self._vendor, call.body)
        requests, options = message.get("requests"), message.get("options") or {}
        if not isinstance(requests, list) or not requests or not all(isinstance(entry, dict) for entry in requests):
            raise RefusedError(self._vendor.error(400, "requests must be a non-empty array of objects"))
        if len(requests) > MOST_PROPERTIES:
            raise RefusedError(self._vendor.error(400, f"requests must not have more than {MOST_PROPERTIES} entries"))
        if not isinstance(options, dict):
            raise RefusedError(self._vendor.error(400, "options must be an object"))
        return requests, options

    def trace_v1(self, call: Call, requests: Sequence[dict[str, Any]], options: Mapping[str, Any]) -> dict[str, Any]:
        """The document of v1; phones on TCPA lists are left out unless asked for."""
        persons = [self._person_v1(call, request, options) for request in requests]
        self._charge(requests, persons)
        return {
            "status": OK,
            "results": {"persons": persons, "meta": {"results": _counts(persons), "requestId": "rq_sandbox"}},
        }

    def trace_v3(self, call: Call, requests: Sequence[dict[str, Any]], options: Mapping[str, Any]) -> dict[str, Any]:
        """The document of v3; phones on TCPA lists come with their flag unless refused."""
        data = [self._entry_v3(call, index, request, options) for index, request in enumerate(requests)]
        self._charge(requests, data)
        meta = {"apiVersion": "3.0.0", "results": _counts(data), "requestId": "rq_sandbox"}
        return {"status": OK, "result": {"data": data, "options": dict(options), "meta": meta}}

    async def answer_v1(self, call: Call) -> Answer:
        """`POST /api/v1/property/skip-trace`."""
        return Answer(self.trace_v1(call, *self.requests(call)))

    async def answer_v3(self, call: Call) -> Answer:
        """`POST /api/v3/property/skip-trace`."""
        return Answer(self.trace_v3(call, *self.requests(call)))

    def _person_v1(self, call: Call, request: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        if message := _failure(call, request):
            return shapes.failed_v1(request, message)
        person, is_found = self._look_up(call, request)
        return shapes.person_v1(
            request,
            person,
            is_found=is_found,
            with_tcpa=bool(options.get("includeTCPABlacklistedPhones", False)),
            email_key="address" if call.fault("email_as_address") else "email",
            with_id=call.fault("no_request_id") is None,
        )

    def _entry_v3(self, call: Call, index: int, request: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        if message := _failure(call, request):
            return shapes.failed_v3(index, request, message)
        person, is_found = self._look_up(call, request)
        with_tcpa = bool(options.get("includeTCPABlacklistedPhones", True))
        return shapes.entry_v3(index, request, person, is_found=is_found, with_tcpa=with_tcpa)

    def _look_up(self, call: Call, request: Mapping[str, Any]) -> tuple[Person, bool]:
        name = request.get("name")
        first, last = (str(name.get(part) or "") for part in ("first", "last")) if isinstance(name, dict) else ("", "")
        person = self._people.at(shapes.address_of(request), first, last)
        if call.hits("litigator", request):
            person = replace(person, is_litigator=True)
        return person, person.is_found and not call.hits("no_match", request)

    def _charge(self, requests: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]) -> None:
        matched = (request for request, answer in zip(requests, answers, strict=True) if answer["meta"]["matched"])
        self._ledger.pay(
            self._vendor.name, "skip_trace", (str(request.get("requestId") or request) for request in matched)
        )


def _failure(call: Call, request: Mapping[str, Any]) -> str | None:
    if call.hits("partial", request):
        return "Unable to process request"
    return None if shapes.names_a_property(request) else "propertyAddress, or apn with its county, is required"


def _counts(answers: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    matched = sum(answer["meta"]["matched"] for answer in answers)
    failed = sum(answer["meta"]["error"] for answer in answers)
    return {
        "requestCount": len(answers),
        "matchCount": matched,
        "noMatchCount": len(answers) - matched - failed,
        "errorCount": failed,
    }
