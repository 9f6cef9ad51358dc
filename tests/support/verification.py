"""Verification as it runs: ingest, recorder and skiptrace as processes, the sandbox as another in place of the vendors.

The households of a test are cast by what the sandbox says about them, so that it is known how each lead has to end.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

import aiohttp
import asyncpg

from local_services.processes import free_port
from sandbox.people import Address, People, Person
from support.installation import Installation, Spawned
from support.upstream import UpstreamProducer
from support.vendors import SETTINGS, Caller

PEOPLE = People(SETTINGS.sandbox_seed)
UNLIMITED = 100_000
Home = dict[str, Any]

ENDS = """
select l.property_address, l.email_verified, l.phone_verified, l.deceased_owner, l.litigator,
  array_agg(e.event_type || ' ' || e.outcome) filter (where e.event_id is not null) as told
from app.leads l
left join app.pipeline_events e on e.lead_id = l.id and e.event_type in ('lead_verified', 'lead_unverifiable')
where l.property_address = any ($1)
group by l.id
"""


def home(number: int, **more: Any) -> Home:
    """The record of household *number*, without a phone or an email."""
    return {
        "property_address": f"{number} Palmetto Ave",
        "property_city": "Dunedin",
        "property_state": "FL",
        "property_zip": "34698",
        "owner_first_name": "Marjorie",
        "owner_last_name": "Holt",
    } | more


def person_at(number: int) -> Person:
    """Who lives in household *number*, as the vendors know it."""
    return PEOPLE.at(Address(f"{number} Palmetto Ave", "Dunedin", "FL", "34698"), "Marjorie", "Holt")


def _is_good(person: Person) -> bool:
    """BatchData knows a phone and an email of the household."""
    reachable = any(phone.reachable for phone in person.phones) and not any(phone.tcpa for phone in person.phones)
    barred = person.is_deceased or person.is_litigator
    return person.is_found and person.address_codes == ("AS01",) and reachable and bool(person.emails) and not barred


def _is_dead(person: Person) -> bool:
    return person.is_found and person.is_deceased and not (person.is_litigator or any(p.tcpa for p in person.phones))


ROLES: Mapping[str, tuple[Callable[[Person], bool], set[str]]] = {
    "good": (_is_good, {"lead_verified both"}),
    "dead": (_is_dead, {"lead_unverifiable deceased_owner"}),
    "suing": (lambda p: p.is_found and p.is_litigator and not p.is_deceased, {"lead_unverifiable litigator"}),
    "nobody": (
        lambda p: not (p.is_found or p.is_deceased or p.is_litigator),
        {"lead_unverifiable ruled_out", "lead_unverifiable no_match"},
    ),
}
"""For each role who can play it, and how such a lead ends. The record of a nobody has a wrong phone and a wrong email."""


class Casting:
    """Hands out households by role, each once, with a phone and an email of its own."""

    def __init__(self) -> None:
        self._left = {role: _numbers(fits) for role, (fits, _) in ROLES.items()}
        phones = [f"{area}555{number:04d}" for area in ("727", "813") for number in range(10_000)]
        emails = [f"owner{number}@example.com" for number in range(20_000)]
        self._phones = {good: _only(phones, _is_good_phone, good=good) for good in (True, False)}
        self._emails = {good: _only(emails, _is_good_email, good=good) for good in (True, False)}

    def cast(self, **roles: int) -> dict[str, tuple[str, Home]]:
        """By street address: role and record of so many households of each role."""
        found = {}
        for role, many in roles.items():
            right = role != "nobody"
            for number in islice(self._left[role], many):
                contacts = {"phones": [next(self._phones[right])], "emails": [next(self._emails[right])]}
                record = home(number, **contacts)
                found[record["property_address"]] = (role, record)
        return found


def _numbers(fits: Callable[[Person], bool]) -> Iterator[int]:
    return (number for number in count(100) if fits(person_at(number)))


def _only(values: Sequence[str], is_good: Callable[[str], bool], *, good: bool) -> Iterator[str]:
    return (value for value in values if is_good(value) is good)


def _is_good_phone(number: str) -> bool:
    return "PS01" in PEOPLE.phone_codes(number)


def _is_good_email(email: str) -> bool:
    return set(PEOPLE.email_codes(email)) <= {"ES01", "ES21", "ES07"}


@dataclass
class Line:
    """The way from a record to a verified lead, with its vendors."""

    installation: Installation
    vendors: Caller
    db: Any
    cast: dict[str, tuple[str, Home]] = field(default_factory=dict)

    async def send(self, cast: Mapping[str, tuple[str, Home]]) -> None:
        """Give these households to ingest."""
        self.cast |= cast
        await self.send_records([record for _, record in cast.values()])

    async def send_records(self, records: Sequence[Home]) -> None:
        await UpstreamProducer(self.installation).send_records(*records)

    async def ends(self) -> dict[str, Any]:
        """How the leads of the cast stand, by street address."""
        return {row["property_address"]: row for row in await self.db.fetch(ENDS, list(self.cast))}

    async def all_end_well(self, seconds: float = 20) -> None:
        """Wait until every lead ended as its role has to, and hold that each was told once and none died."""
        deadline = asyncio.get_running_loop().time() + seconds
        while wrong := self._wrong(await self.ends()):
            some = dict(islice(wrong.items(), 5))
            assert asyncio.get_running_loop().time() < deadline, f"{len(wrong)} did not end well: {some}"
            await asyncio.sleep(0.1)
        assert await self.dead_letters() == []
        assert await self.count("app.skip_trace_requests where outcome = 'asked'") == 0

    def _wrong(self, ends: Mapping[str, Any]) -> dict[str, Any]:
        return {
            street: (role, ends.get(street) and tuple(ends[street]))
            for street, (role, _) in self.cast.items()
            if street not in ends or not _ended_as(role, ends[street])
        }

    async def dead_letters(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.db.fetch("select reason, detail from pipeline.pipeline_dlq")]

    async def count(self, query: str) -> int:
        return int(await self.db.fetchval(f"select count(*) from {query}"))

    async def until(self, query: str, *values: object, seconds: float = 60) -> None:
        """Wait until *query* says true."""
        async with asyncio.timeout(seconds):
            while not await self.db.fetchval(query, *values):
                await asyncio.sleep(0.05)

    async def unknown(self, provider: str) -> int:
        """Records whose paid answer may be lost."""
        query = (
            "select coalesce(sum(records), 0) from app.skip_trace_requests where outcome = 'unknown' and provider = $1"
        )
        return int(await self.db.fetchval(query, provider))

    async def paid(self, vendor: str) -> int:
        """Records that the vendor charged for."""
        return int((await self.vendors.paid(vendor))["records"])

    async def calls(self, vendor: str) -> Any:
        return await self.vendors.control("GET", f"calls/{vendor}")

    async def anew(self) -> None:
        """No faults, nothing counted, breakers closed, nothing known of earlier leads."""
        self.cast.clear()
        await self.vendors.control("POST", "reset")
        await self.db.execute("update pipeline.provider_states set failures = 0, paused_until = null")
        await self.db.execute("truncate app.skip_trace_attempts, app.skip_trace_requests, pipeline.pipeline_dlq")

    async def time_passes(self) -> None:
        """Leases run out: what a killed process asked is not waited for."""
        await self.db.execute("update app.skip_trace_requests set lease_until = now() where outcome = 'asked'")


def _ended_as(role: str, row: Any) -> bool:
    told = row["told"] or []
    verified = {"good": {True}, "nobody": {False}}.get(role, {True, False})  # a dead man's phone may be a good one
    return (
        len(told) == 1
        and told[0] in ROLES[role][1]
        and {row["email_verified"], row["phone_verified"]} <= verified
        and row["deceased_owner"] is (role == "dead")
        and row["litigator"] is (role == "suing")
    )


async def spawn_sandbox(installation: Installation, **more: str) -> Spawned:
    """The sandbox as a process, with limits that nobody reaches unless *more* says otherwise."""
    limits = {
        "SANDBOX_MELISSA_RECORDS_PER_SECOND": str(UNLIMITED),
        "SANDBOX_BATCHDATA_REQUESTS_PER_MINUTE": str(UNLIMITED),
    }
    return await installation.spawn("sandbox", SANDBOX_PORT=str(free_port()), **limits | more)


def url_of(sandbox: Spawned) -> str:
    """The sandbox's address."""
    return f"http://127.0.0.1:{sandbox.environment['SANDBOX_PORT']}"


def providers_at(url: str, **more: str) -> dict[str, str]:
    """The environment of a skiptrace that finds and verifies at *url* and waits briefly; *more* go before it."""
    return {
        "MELISSA_URL": f"{url}/melissa",
        "MELISSA_LICENSE_KEY": SETTINGS.sandbox_melissa_license.get_secret_value(),
        "MELISSA_RECORDS_PER_SECOND": str(UNLIMITED),
        "BATCHDATA_URL": f"{url}/batchdata",
        "BATCHDATA_TOKEN": SETTINGS.sandbox_batchdata_token.get_secret_value(),
        "BATCHDATA_REQUESTS_PER_MINUTE": str(UNLIMITED),
        "SKIPTRACE_ORDER": "melissa,batchdata",
        "SKIPTRACE_WANTS": "phone,email,mak",
        "SKIPTRACE_PAUSE_SECONDS": "0.05",
        "SKIPTRACE_LONGEST_PAUSE_SECONDS": "0.3",
        "SKIPTRACE_CALL_SECONDS": "2",
        **more,
    }


@asynccontextmanager
async def line_to(installation: Installation, sandbox: Spawned) -> AsyncIterator[Line]:
    """The line of *installation*, whose processes are started by the caller."""
    db = await asyncpg.connect(installation.database.superuser_dsn)
    async with aiohttp.ClientSession() as session:
        try:
            yield Line(installation, Caller(url_of(sandbox), session), db)
        finally:
            await db.close()


async def metric(spawned: Spawned, name: str, **labels: str) -> float:
    """The sum of a process's metric over the series that have these labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{spawned.health}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(_values(lines, name, labels))


def _values(lines: Sequence[str], name: str, labels: Mapping[str, str]) -> Iterator[float]:
    for line in lines:
        found = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
        if found and all(f'{label}="{value}"' in (found[1] or "") for label, value in labels.items()):
            yield float(found[2])
