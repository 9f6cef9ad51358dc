"""Fake servers of Melissa and BatchData, by their documentation, with faults on demand.

Tests use only `FakeProvider.url`, `.calls`, `.charged`, `.fault` and `.delay`, so that another fake can replace these.
"""

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Body = dict[str, Any]
Fault = Callable[[web.Request, Body], Awaitable[web.StreamResponse | None]]


@dataclass
class FakeProvider:
    """One operation of a fake vendor."""

    path: str
    answer: Callable[[Body], Body]
    ids_of: Callable[[Body], list[str]]
    url: str = ""
    delay: float = 0.0
    fault: Fault | None = None
    """Called first. It returns the faulty response, or None for no fault."""
    calls: list[Body] = field(default_factory=list)
    """Every request that arrived, including those with a fault."""
    charged: Counter[str] = field(default_factory=Counter)
    """Charged records, by lead."""
    headers: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        body = await request.json()
        self.calls.append(body)
        self.headers.append(dict(request.headers))
        fault = await self.fault(request, body) if self.fault else None
        if fault is not None:
            return fault
        self.charged.update(self.ids_of(body))  # the work costs, even if the response never arrives
        await asyncio.sleep(self.delay)
        return web.json_response(self.answer(body))

    @property
    def max_records(self) -> int:
        """Records of the largest request."""
        return max((len(self.ids_of(body)) for body in self.calls), default=0)


@dataclass
class FakeProviders:
    """Both fake vendors. BatchData's phone checks are on the same server as its skip trace."""

    melissa: FakeProvider
    batchdata: FakeProvider
    dnc: FakeProvider
    tcpa: FakeProvider
    melissa_fields: dict[str, Body] = field(default_factory=dict)
    """By street: fields that replace the usual ones in Melissa's record."""
    people: dict[str, Body] = field(default_factory=dict)
    """By street: BatchData's person. Other streets have no match."""
    check_fields: dict[str, Body] = field(default_factory=dict)
    """By number of ten digits: fields that replace the usual ones in a check's entry."""

    def environment(self) -> dict[str, str]:
        """Return the environment of a skiptrace service that uses them."""
        return {
            "MELISSA_URL": self.melissa.url,
            "MELISSA_LICENSE_KEY": "a-licence",
            "MELISSA_RECORDS_PER_SECOND": "10000",
            "BATCHDATA_URL": self.batchdata.url,
            "BATCHDATA_TOKEN": "a-token",
            "SKIPTRACE_FIRST_BACKOFF_SECONDS": "0.05",
            "SKIPTRACE_LONGEST_BACKOFF_SECONDS": "0.5",
        }

    def settings(self, **more: object) -> dict[str, Any]:
        """Return the same as fields of the settings."""
        return {name.lower(): value for name, value in self.environment().items()} | more


@asynccontextmanager
async def serve_providers() -> AsyncIterator[FakeProviders]:
    """Serve both vendors on loopback ports, for the context."""
    fakes = FakeProviders(
        FakeProvider("/v3/WEB/ContactVerify/doContactVerify", lambda body: _answer_melissa(fakes, body), _melissa_ids),
        FakeProvider("/api/v1/property/skip-trace", lambda body: _answer_batchdata(fakes, body), _batchdata_ids),
        FakeProvider(
            "/api/v1/phone/dnc", lambda body: _answer_check(fakes, body, "dnc"), lambda body: body["requests"]
        ),
        FakeProvider(
            "/api/v1/phone/tcpa", lambda body: _answer_check(fakes, body, "tcpa"), lambda body: body["requests"]
        ),
    )
    runners = []
    for provider, *more in ((fakes.melissa,), (fakes.batchdata, fakes.dnc, fakes.tcpa)):
        app = web.Application()
        for one in (provider, *more):
            app.router.add_post(one.path, one.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    try:
        yield fakes
    finally:
        for runner in runners:
            await runner.cleanup()


def status(code: int, body: Body | str = "", **headers: str) -> Fault:
    """Return a fault that answers every call with this status."""

    async def fault(_request: web.Request, _body: Body) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/plain" if isinstance(body, str) else "application/json"
        return web.Response(status=code, text=text, content_type=kind, headers=headers)

    return fault


def first_calls(count: int, fault: Fault) -> Fault:
    """Return a fault that affects the first *count* calls only."""
    left = [count]

    async def limited(request: web.Request, body: Body) -> web.StreamResponse | None:
        left[0] -= 1
        return await fault(request, body) if left[0] >= 0 else None

    return limited


def _melissa_ids(body: Body) -> list[str]:
    return [record["RecordID"] for record in body["Records"]]


def mak_of(street: str) -> str:
    """Return the fake MAK of a street address."""
    return f"{zlib.crc32(street.upper().encode()):010d}"


def _answer_melissa(fakes: FakeProviders, body: Body) -> Body:
    records = []
    for sent in body["Records"]:
        codes = ["AS01", "VR01"]
        codes += ["PS01", "PS07"] if sent.get("PhoneNumber") else ["PE02"]
        codes += ["ES01"] if sent.get("EmailAddress") else []
        record = {
            "RecordID": sent["RecordID"], "Results": ",".join(codes), "AddressLine1": sent["AddressLine1"],
            "AddressLine2": " ", "City": sent["City"], "State": sent["State"], "PostalCode": sent["PostalCode"],
            "AddressKey": "34698402118", "AddressExtras": " ", "CompanyName": " ",
            "EmailAddress": sent.get("EmailAddress", " "), "PhoneNumber": sent.get("PhoneNumber", " "),
            "NameFull": sent.get("FullName", " "), "MelissaAddressKey": mak_of(sent["AddressLine1"]),
            "MelissaAddressKeyBase": " ", "RecordExtras": " ", "Reserved": " ",
        }  # fmt: skip
        records.append(record | fakes.melissa_fields.get(sent["AddressLine1"], {}))
    return {
        "Version": "5.6.13",
        "TransmissionReference": body["TransmissionReference"],
        "TransmissionResults": " ",
        "TotalRecords": str(len(records)),
        "Records": records,
    }


def _batchdata_ids(body: Body) -> list[str]:
    return [request["requestId"] for request in body["requests"]]


def _answer_batchdata(fakes: FakeProviders, body: Body) -> Body:
    persons = []
    for request in body["requests"]:
        person = fakes.people.get(request["propertyAddress"]["street"])
        empty: Body = {"phoneNumbers": [], "emails": [], "death": {}, "dnc": {}, "litigator": False}
        meta = {"matched": person is not None, "error": False, "errorMessage": None}
        same = {"request": {"requestId": request["requestId"]}, "propertyAddress": request["propertyAddress"]}
        persons.append(same | empty | (person or {}) | {"meta": meta})
    count = sum(person["meta"]["matched"] for person in persons)
    results = {"requestCount": len(persons), "matchCount": count, "noMatchCount": len(persons) - count, "errorCount": 0}
    return {
        "status": {"code": 200, "text": "OK"},
        "results": {"persons": persons, "meta": {"results": results, "requestId": "rq_1"}},
    }


def _answer_check(fakes: FakeProviders, body: Body, flag: str) -> Body:
    entries = [{"number": number, flag: False} | fakes.check_fields.get(number, {}) for number in body["requests"]]
    return {"status": {"code": 200, "text": "OK"}, "results": {"phoneNumbers": entries}}
