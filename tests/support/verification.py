"""Verification with ingest, recorder, skiptrace and the sandbox as processes.

A test picks households by the sandbox's data about them, so the expected outcome of each lead is known.
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
from sandbox.people import FakePeople, FakePerson, PostalAddress
from support.installation import Installation, Spawned
from support.upstream import UpstreamProducer
from support.vendors import SETTINGS, SandboxClient

PEOPLE = FakePeople(SETTINGS.sandbox_seed)
UNLIMITED = 100_000
Home = dict[str, Any]

OUTCOMES = """
select l.property_address, l.email_verified, l.phone_verified, l.deceased_owner, l.litigator,
  array_agg(e.event_type || ' ' || e.outcome) filter (where e.event_id is not null) as events
from app.leads l
left join app.pipeline_events e on e.lead_id = l.id and e.event_type in ('lead_verified', 'lead_unverifiable')
where l.property_address = any ($1)
group by l.id
"""

UNPUBLISHED = """
select 'ingest' as service, count(*), min(created_at) from svc_ingest.outbox
union all
select 'skiptrace', count(*), min(created_at) from svc_skiptrace.outbox
"""


def home(number: int, **more: Any) -> Home:
    """Return the record of household *number*, without a phone or an email."""
    return {
        "property_address": f"{number} Palmetto Ave",
        "property_city": "Dunedin",
        "property_state": "FL",
        "property_zip": "34698",
        "owner_first_name": "Marjorie",
        "owner_last_name": "Holt",
    } | more


def person_at(number: int) -> FakePerson:
    """Return the person of household *number*, as the vendors know it."""
    return PEOPLE.person_at(PostalAddress(f"{number} Palmetto Ave", "Dunedin", "FL", "34698"), "Marjorie", "Holt")


def _is_reachable(person: FakePerson) -> bool:
    """Return whether BatchData has a phone and an email of the household, and no reason against contact."""
    has_phone = any(phone.reachable for phone in person.phones) and not any(phone.tcpa for phone in person.phones)
    barred = person.is_deceased or person.is_litigator
    return person.is_found and person.address_codes == ("AS01",) and has_phone and bool(person.emails) and not barred


def _is_deceased(person: FakePerson) -> bool:
    return person.is_found and person.is_deceased and not (person.is_litigator or any(p.tcpa for p in person.phones))


ROLES: Mapping[str, tuple[Callable[[FakePerson], bool], set[str]]] = {
    "reachable": (_is_reachable, {"lead_verified both"}),
    "deceased": (_is_deceased, {"lead_unverifiable deceased_owner"}),
    "litigator": (lambda p: p.is_found and p.is_litigator and not p.is_deceased, {"lead_unverifiable litigator"}),
    "unknown": (
        lambda p: not (p.is_found or p.is_deceased or p.is_litigator),
        {"lead_unverifiable ruled_out", "lead_unverifiable no_match"},
    ),
}
"""For each role the matching households, and the expected outcomes. An unknown person's record has a wrong phone and email."""


class SkipTraceScenario:
    """Households by role. Each is picked once, with its own phone and email."""

    def __init__(self) -> None:
        self._left = {role: _matching_numbers(fits) for role, (fits, _) in ROLES.items()}
        phones = [f"{area}555{number:04d}" for area in ("727", "813") for number in range(10_000)]
        emails = [f"owner{number}@example.com" for number in range(20_000)]
        self._phones = {valid: _select(phones, _is_valid_phone, valid=valid) for valid in (True, False)}
        self._emails = {valid: _select(emails, _is_valid_email, valid=valid) for valid in (True, False)}

    def pick_households(self, **roles: int) -> dict[str, tuple[str, Home]]:
        """Return role and record of the given number of households of each role, by street address."""
        picked = {}
        for role, count_ in roles.items():
            valid = role != "unknown"
            for number in islice(self._left[role], count_):
                contacts = {"phones": [next(self._phones[valid])], "emails": [next(self._emails[valid])]}
                record = home(number, **contacts)
                picked[record["property_address"]] = (role, record)
        return picked


def _matching_numbers(fits: Callable[[FakePerson], bool]) -> Iterator[int]:
    return (number for number in count(100) if fits(person_at(number)))


def _select(values: Sequence[str], is_valid: Callable[[str], bool], *, valid: bool) -> Iterator[str]:
    return (value for value in values if is_valid(value) is valid)


def _is_valid_phone(number: str) -> bool:
    return "PS01" in PEOPLE.phone_codes(number)


def _is_valid_email(email: str) -> bool:
    return set(PEOPLE.email_codes(email)) <= {"ES01", "ES21", "ES07"}


@dataclass
class VerificationPipeline:
    """The pipeline from a record to a verified lead, with its vendors."""

    installation: Installation
    vendors: SandboxClient
    db: Any
    households: dict[str, tuple[str, Home]] = field(default_factory=dict)

    async def send(self, households: Mapping[str, tuple[str, Home]]) -> None:
        """Send these households to ingest."""
        self.households |= households
        await self.send_records([record for _, record in households.values()])

    async def send_records(self, records: Sequence[Home]) -> None:
        await UpstreamProducer(self.installation).send_records(*records)

    async def load_outcomes(self) -> dict[str, Any]:
        """Return the state of the leads of all households, by street address."""
        return {row["property_address"]: row for row in await self.db.fetch(OUTCOMES, list(self.households))}

    async def wait_for_expected_outcomes(self, seconds: float = 20) -> None:
        """Wait until every lead has the outcome of its role, with one event each, and assert that there are no dead letters."""
        deadline = asyncio.get_running_loop().time() + seconds
        while wrong := self._list_wrong(await self.load_outcomes()):
            some = dict(islice(wrong.items(), 5))
            assert asyncio.get_running_loop().time() < deadline, (
                f"{len(wrong)} leads without their expected outcome: {some}; {await self._describe_progress()}"
            )
            await asyncio.sleep(0.1)
        assert await self.dead_letters() == []
        assert await self.count("app.skip_trace_requests where outcome = 'asked'") == 0

    async def _describe_progress(self) -> str:
        """Return which part of the pipeline has work left: rows in the outboxes wait for a relay, all others for the recorder."""
        rows = [tuple(row) for row in await self.db.fetch(UNPUBLISHED)]
        recorded = await self.count("app.pipeline_events")
        return f"{recorded} events recorded; rows in outboxes, with the oldest: {rows}"

    def _list_wrong(self, outcomes: Mapping[str, Any]) -> dict[str, Any]:
        return {
            street: (role, outcomes.get(street) and tuple(outcomes[street]))
            for street, (role, _) in self.households.items()
            if street not in outcomes or not _is_expected(role, outcomes[street])
        }

    async def dead_letters(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.db.fetch("select reason, detail from pipeline.pipeline_dlq")]

    async def count(self, query: str) -> int:
        return int(await self.db.fetchval(f"select count(*) from {query}"))

    async def until(self, query: str, *values: object, seconds: float = 60) -> None:
        """Wait until *query* returns true."""
        async with asyncio.timeout(seconds):
            while not await self.db.fetchval(query, *values):
                await asyncio.sleep(0.05)

    async def count_unknown(self, provider: str) -> int:
        """Return the records whose paid response may be lost."""
        query = (
            "select coalesce(sum(records), 0) from app.skip_trace_requests where outcome = 'unknown' and provider = $1"
        )
        return int(await self.db.fetchval(query, provider))

    async def count_charged(self, vendor: str) -> int:
        """Return the records that the vendor charged."""
        return int((await self.vendors.fetch_charges(vendor))["records"])

    async def load_calls(self, vendor: str) -> Any:
        return await self.vendors.call_control_api("GET", f"calls/{vendor}")

    async def reset(self) -> None:
        """Remove faults and counts, close circuits, and delete the requests of earlier leads."""
        self.households.clear()
        await self.vendors.call_control_api("POST", "reset")
        await self.db.execute("update pipeline.provider_states set failures = 0, backoff_until = null")
        await self.db.execute("truncate app.skip_trace_attempts, app.skip_trace_requests, pipeline.pipeline_dlq")

    async def end_leases(self) -> None:
        """End the leases of open requests, so that no lead waits for a killed process."""
        await self.db.execute("update app.skip_trace_requests set lease_until = now() where outcome = 'asked'")


def _is_expected(role: str, row: Any) -> bool:
    events = row["events"] or []
    verified = {"reachable": {True}, "unknown": {False}}.get(
        role, {True, False}
    )  # a deceased owner's phone may be valid
    return (
        len(events) == 1
        and events[0] in ROLES[role][1]
        and {row["email_verified"], row["phone_verified"]} <= verified
        and row["deceased_owner"] is (role == "deceased")
        and row["litigator"] is (role == "litigator")
    )


async def spawn_sandbox(installation: Installation, **more: str) -> Spawned:
    """Start the sandbox as a process, with limits that no test reaches unless *more* sets them."""
    limits = {
        "SANDBOX_MELISSA_RECORDS_PER_SECOND": str(UNLIMITED),
        "SANDBOX_BATCHDATA_REQUESTS_PER_MINUTE": str(UNLIMITED),
    }
    return await installation.spawn("sandbox", SANDBOX_PORT=str(free_port()), **limits | more)


def url_of(sandbox: Spawned) -> str:
    """Return the sandbox's address."""
    return f"http://127.0.0.1:{sandbox.environment['SANDBOX_PORT']}"


def providers_at(url: str, **more: str) -> dict[str, str]:
    """Return the environment of a skiptrace that uses the sandbox at *url* with short backoffs; *more* overrides it."""
    return {
        "MELISSA_URL": f"{url}/melissa",
        "MELISSA_LICENSE_KEY": SETTINGS.sandbox_melissa_license.get_secret_value(),
        "MELISSA_RECORDS_PER_SECOND": str(UNLIMITED),
        "BATCHDATA_URL": f"{url}/batchdata",
        "BATCHDATA_TOKEN": SETTINGS.sandbox_batchdata_token.get_secret_value(),
        "BATCHDATA_REQUESTS_PER_MINUTE": str(UNLIMITED),
        "SKIPTRACE_ORDER": "melissa,batchdata",
        "SKIPTRACE_DATA_NEEDS": "phone,email,mak",
        "SKIPTRACE_FIRST_BACKOFF_SECONDS": "0.05",
        "SKIPTRACE_LONGEST_BACKOFF_SECONDS": "0.3",
        "SKIPTRACE_CALL_SECONDS": "2",
        **more,
    }


@asynccontextmanager
async def open_pipeline(installation: Installation, sandbox: Spawned) -> AsyncIterator[VerificationPipeline]:
    """Open the pipeline of *installation*, whose processes the caller starts."""
    db = await asyncpg.connect(installation.database.superuser_dsn)
    async with aiohttp.ClientSession() as session:
        try:
            yield VerificationPipeline(installation, SandboxClient(url_of(sandbox), session), db)
        finally:
            await db.close()


async def read_metric(spawned: Spawned, name: str, **labels: str) -> float:
    """Return the sum of a process's metric over the series with these labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{spawned.health}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(_values(lines, name, labels))


def _values(lines: Sequence[str], name: str, labels: Mapping[str, str]) -> Iterator[float]:
    for line in lines:
        found = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
        if found and all(f'{label}="{value}"' in (found[1] or "") for label, value in labels.items()):
            yield float(found[2])
