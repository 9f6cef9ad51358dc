"""Servers that play Melissa and BatchData as their documentation describes them, and misbehave when told to.

They stand behind one fixture, so that another stand-in can take their place: a test knows `Provider.url`, `.calls`,
`.asked` and `.fault`, and nothing else.
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
class Provider:
    """One vendor's stand-in."""

    path: str
    answer: Callable[[Body], Body]
    ids_of: Callable[[Body], list[str]]
    url: str = ""
    delay: float = 0.0
    fault: Fault | None = None
    """Called first; what it returns is the answer, None is no fault."""
    calls: list[Body] = field(default_factory=list)
    """Every request that arrived, faults included."""
    asked: Counter[str] = field(default_factory=Counter)
    """Answers given, paid for, by lead."""
    headers: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        body = await request.json()
        self.calls.append(body)
        self.headers.append(dict(request.headers))
        fault = await self.fault(request, body) if self.fault else None
        if fault is not None:
            return fault
        self.asked.update(self.ids_of(body))  # the work is done and costs, whoever is there to hear of it
        await asyncio.sleep(self.delay)
        return web.json_response(self.answer(body))

    @property
    def largest(self) -> int:
        """Records of the largest request."""
        return max((len(self.ids_of(body)) for body in self.calls), default=0)


@dataclass
class Providers:
    """Both vendors; BatchData's phone checks are on the same server as its skip trace."""

    melissa: Provider
    batchdata: Provider
    dnc: Provider
    tcpa: Provider
    melissa_says: dict[str, Body] = field(default_factory=dict)
    """By street: fields that take the place of the usual ones in Melissa's record."""
    people: dict[str, Body] = field(default_factory=dict)
    """By street: BatchData's person; a street that is not here is not matched."""
    verdicts: dict[str, Body] = field(default_factory=dict)
    """By number of ten digits: fields that take the place of the usual ones in a check's entry."""

    def environment(self) -> dict[str, str]:
        """What makes a skiptrace service use them."""
        return {
            "MELISSA_URL": self.melissa.url,
            "MELISSA_LICENSE_KEY": "a-licence",
            "MELISSA_RECORDS_PER_SECOND": "10000",
            "BATCHDATA_URL": self.batchdata.url,
            "BATCHDATA_TOKEN": "a-token",
            "SKIPTRACE_PAUSE_SECONDS": "0.05",
            "SKIPTRACE_LONGEST_PAUSE_SECONDS": "0.5",
        }

    def settings(self, **more: object) -> dict[str, Any]:
        """The same as fields of the settings."""
        return {name.lower(): value for name, value in self.environment().items()} | more


@asynccontextmanager
async def serving() -> AsyncIterator[Providers]:
    """Both, on ports of loopback."""
    found = Providers(
        Provider("/v3/WEB/ContactVerify/doContactVerify", lambda body: _melissa(found, body), _melissa_ids),
        Provider("/api/v1/property/skip-trace", lambda body: _batchdata(found, body), _batchdata_ids),
        Provider("/api/v1/phone/dnc", lambda body: _checked(found, body, "dnc"), lambda body: body["requests"]),
        Provider("/api/v1/phone/tcpa", lambda body: _checked(found, body, "tcpa"), lambda body: body["requests"]),
    )
    runners = []
    for provider, *more in ((found.melissa,), (found.batchdata, found.dnc, found.tcpa)):
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
        yield found
    finally:
        for runner in runners:
            await runner.cleanup()


def status(code: int, body: Body | str = "", **headers: str) -> Fault:
    """A fault: this status, always."""

    async def fault(_request: web.Request, _body: Body) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/plain" if isinstance(body, str) else "application/json"
        return web.Response(status=code, text=text, content_type=kind, headers=headers)

    return fault


def times(count: int, fault: Fault) -> Fault:
    """The first *count* calls only."""
    left = [count]

    async def some(request: web.Request, body: Body) -> web.StreamResponse | None:
        left[0] -= 1
        return await fault(request, body) if left[0] >= 0 else None

    return some


def _melissa_ids(body: Body) -> list[str]:
    return [record["RecordID"] for record in body["Records"]]


def mak_of(street: str) -> str:
    """The MAK of a street address in this world."""
    return f"{zlib.crc32(street.upper().encode()):010d}"


def _melissa(world: Providers, body: Body) -> Body:
    records = []
    for asked in body["Records"]:
        codes = ["AS01", "VR01"]
        codes += ["PS01", "PS07"] if asked.get("PhoneNumber") else ["PE02"]
        codes += ["ES01"] if asked.get("EmailAddress") else []
        record = {
            "RecordID": asked["RecordID"], "Results": ",".join(codes), "AddressLine1": asked["AddressLine1"],
            "AddressLine2": " ", "City": asked["City"], "State": asked["State"], "PostalCode": asked["PostalCode"],
            "AddressKey": "34698402118", "AddressExtras": " ", "CompanyName": " ",
            "EmailAddress": asked.get("EmailAddress", " "), "PhoneNumber": asked.get("PhoneNumber", " "),
            "NameFull": asked.get("FullName", " "), "MelissaAddressKey": mak_of(asked["AddressLine1"]),
            "MelissaAddressKeyBase": " ", "RecordExtras": " ", "Reserved": " ",
        }  # fmt: skip
        records.append(record | world.melissa_says.get(asked["AddressLine1"], {}))
    return {
        "Version": "5.6.13",
        "TransmissionReference": body["TransmissionReference"],
        "TransmissionResults": " ",
        "TotalRecords": str(len(records)),
        "Records": records,
    }


def _batchdata_ids(body: Body) -> list[str]:
    return [request["requestId"] for request in body["requests"]]


def _batchdata(world: Providers, body: Body) -> Body:
    persons = []
    for request in body["requests"]:
        person = world.people.get(request["propertyAddress"]["street"])
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


def _checked(world: Providers, body: Body, verdict: str) -> Body:
    entries = [{"number": number, verdict: False} | world.verdicts.get(number, {}) for number in body["requests"]]
    return {"status": {"code": 200, "text": "OK"}, "results": {"phoneNumbers": entries}}
