"""Tracing leads: read them, choose whom to ask, ask, and so on until nobody can add anything.

Between two steps everything stands in PostgreSQL. So a process that dies, or a batch that is taken again, goes on where
the last answer was stored, and asks nobody twice.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Container, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from common import telemetry
from skiptrace.board import Board
from skiptrace.lead import Asked, Lead, Question, Since, Want
from skiptrace.ledger import Ledger
from skiptrace.provider import MOST_PHONES, Provider, ProviderError, check_status
from skiptrace.router import Ask, Case, Choice, Done, Offer, Policy, Standing, Tried, choose_all
from skiptrace.sending import Sender
from skiptrace.settings import SkiptraceSettings
from skiptrace.turns import State, Turns

HOPELESS_FAILURES = 12
"""Failed calls about one lead within an hour, at a provider that answers about others: it is this lead."""
LOST_BY_CRASHES = 2
"""So many answers about a lead may be lost by crashes and outages; those beyond may be lost because of it."""
UNLUCKY = 8
"""Beyond that, so many times the failures that others had before their answer: bad luck is that bad once in thousands."""
LONGEST_WAIT_FOR_A_CHECK = 60.0
"""Seconds of a pause through which a phone's check is waited for; in a longer one its provider counts as down."""


@dataclass(slots=True)
class Traced:
    """What came of tracing a batch of leads."""

    done: dict[UUID, Lead] = field(default_factory=dict)
    """Leads about which nobody can add anything; their answers wait to be merged."""
    hopeless: set[UUID] = field(default_factory=set)
    """Leads with which a provider keeps failing while it is well otherwise."""
    waiting: set[UUID] = field(default_factory=set)
    """Leads that are not done."""
    waits_for: str | None = None
    """Who is waited for on behalf of the other leads."""
    wait: timedelta = timedelta()


class InFlight:
    """Room for so many records at once: all that a crash of this process can leave unknown."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, records: int) -> AsyncIterator[None]:
        """Wait for room for *records* records, and take it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._room >= records)
            self._room -= records
        try:
            yield
        finally:
            async with self._changed:
                self._room += records
                self._changed.notify_all()


class Tracer:
    """Traces leads by the router's policy."""

    def __init__(
        self,
        board: Board,
        ledger: Ledger,
        turns: Turns,
        sender: Sender,
        providers: Mapping[str, Provider],
        settings: SkiptraceSettings,
    ) -> None:
        self._board = board
        self._ledger = ledger
        self._turns = turns
        self._sender = sender
        self._providers = providers
        self._settings = settings
        self._policy = settings.policy
        self._offers = [provider.offer for provider in providers.values()]
        self._in_flight = InFlight(settings.skiptrace_in_flight)
        self._under_way: set[asyncio.Task[bool]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Ready to trace."""
        self._stopping = False
        for provider in self._providers:
            self._ledger.count_nothing(provider)

    async def stop(self) -> None:
        """Begin no further call, and wait for the answers of those under way."""
        self._stopping = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=28)

    async def trace(self, lead_ids: Sequence[UUID], until: float, wants: frozenset[Want] | None = None) -> Traced:
        """Trace *lead_ids* for *wants*, or for all that the policy wants; no call starts after *until* (monotonic seconds).

        Never raises for what a provider does.
        """
        policy = replace(self._policy, wants=self._policy.wants & wants) if wants else self._policy
        out_of_turns: set[str] = set()
        while True:
            await self._ledger.expire()
            leads = await self._board.leads(lead_ids)
            states = await self._turns.states(list(self._providers))
            hopeless = await self._hopeless(leads.values(), states)
            standing = self._standing(states, out_of_turns)
            choices = {lead.id: self._choose(lead, standing, policy) for lead in leads.values()}
            asks: defaultdict[str, list[Lead]] = defaultdict(list)
            for lead in leads.values():
                for choice in choices[lead.id]:
                    if isinstance(choice, Ask) and not lead.in_flight_s and (lead.id, choice.provider) not in hopeless:
                        asks[choice.provider].append(lead)
            if not asks or time.monotonic() >= until:
                return _settled(leads, choices, states, hopeless)
            without_turn = await asyncio.gather(
                *(self._ask_all(self._providers[name], some, until) for name, some in asks.items())
            )
            out_of_turns |= {name for name in without_turn if name}

    async def _hopeless(self, leads: Collection[Lead], states: Mapping[str, State]) -> set[tuple[UUID, str]]:
        """Leads and the providers that keep failing about them."""
        found = set()
        for name, state in states.items():
            worn = [lead for lead in leads if is_hopeless(lead.asked_of(name), state)]
            if worn:
                since = min(lead.asked_of(name).first_failed_at or datetime.now(UTC) for lead in worn)
                each = await self._ledger.failures_before_answers(name, since)
                found |= {(lead.id, name) for lead in worn if is_hopeless(lead.asked_of(name), state, each)}
        return found

    def _standing(self, states: Mapping[str, State], out_of_turns: set[str]) -> Mapping[str, Standing]:
        standing = {name: state.standing for name, state in states.items()}
        standing |= {name: Standing.BUSY for name in out_of_turns if standing.get(name) is not Standing.DOWN}
        return standing | {
            name: Standing.DOWN
            for name, state in states.items()
            if self._providers[name].offer.checks and state.pause_s > LONGEST_WAIT_FOR_A_CHECK
        }

    def _choose(self, lead: Lead, standing: Mapping[str, Standing], policy: Policy) -> list[Choice]:
        if lead.untraceable or lead.person is None:
            return [Done()]
        offers = [offer for offer in self._offers if not _gives_up(lead, offer)]
        return choose_all(case_of(lead, policy, self._since()), offers, standing, policy)

    def _since(self) -> Since:
        return self._settings.since(datetime.now(UTC))

    async def _ask_all(self, provider: Provider, leads: list[Lead], until: float) -> str | None:
        """Ask *provider* about *leads*, many calls at once; its name when there was no turn for all of them."""
        most = min(provider.max_records, self._settings.skiptrace_in_flight)
        if provider.rate.counts_records:
            most = min(most, provider.rate.per_window)
        results = await asyncio.gather(
            *(self._ask(provider, chunk, until) for chunk in chunks(leads, provider.name, most))
        )
        return None if all(results) else provider.name

    async def _ask(self, provider: Provider, leads: Sequence[Lead], until: float) -> bool:
        """One call; False when the provider gave no turn, or failed, or it got too late."""
        async with self._in_flight.hold(len(leads)):
            if time.monotonic() >= until:  # the room was taken for long, and a rebalance waits
                return False
            turn = await self._turns.take(provider, len(leads), until)
            if turn is None or self._stopping:
                return False
            try:
                asked = await self._to_the_end(self._call(provider, leads[: turn.units], probing=turn.probing))
            except ProviderError as error:
                await self._turns.went_wrong(provider, error, probing=turn.probing)
                return False
            if asked:
                await self._turns.went_well(provider)
            return asked

    async def _to_the_end(self, call: Coroutine[Any, Any, bool]) -> bool:
        """A paid call is not cut off by a cancelled batch or job, or by a stop: its answer would be lost."""
        task = asyncio.create_task(call)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _call(self, provider: Provider, leads: Sequence[Lead], *, probing: bool) -> bool:
        """Write a call down, make it, and keep what came of it; False when others ask about all of *leads* now.

        Raises ProviderError when no answer came.
        """
        questions = [self._question(lead, provider) for lead in leads]
        beside = [offer.provider for offer in self._offers if provider.offer.goes_beside(offer)]
        asking = await self._ledger.open(provider, leads, questions, beside=beside, probing=probing)
        if asking is None:
            return False
        started = time.perf_counter()
        try:
            reply = await self._sender.send(provider.request(asking.questions), asking.latest)
            check_status(reply)
        except ProviderError as error:
            await self._ledger.close(asking, error)
            raise
        finally:
            telemetry.histogram("equity_skiptrace_call_seconds", "Time of one call to a provider").record(
                time.perf_counter() - started, {"provider": provider.name}
            )
        await self._ledger.keep(asking, reply)
        return True

    def _question(self, lead: Lead, provider: Provider) -> Question:
        if lead.person is None:
            raise AssertionError("a lead without an address is never asked about")
        since = self._since()
        values = {
            channel: found.value
            for channel in ("phone", "email")
            if provider.asks_contacts and (found := lead.candidate(channel, since.judged))
        }
        phones = [phone.value for check in provider.offer.checks for phone in lead.to_check(check, since)]
        return Question(lead.id, lead.person, values.get("phone"), values.get("email"), tuple(phones[:MOST_PHONES]))


def case_of(lead: Lead, policy: Policy, since: Since) -> Case:
    """What the router is to decide about *lead*; verifications and checks count from *since* on."""
    untried = frozenset(Want(channel) for channel in ("phone", "email") if lead.candidate(channel, since.judged))
    tried = {name: Tried(asked.answered, asked.unknown) for name, asked in lead.asked.items()}
    return Case(lead.missing(policy.wants, since), untried, tried, lead.spent_cents)


def chunks(leads: Sequence[Lead], provider: str, most: int) -> list[list[Lead]]:
    """Leads in requests of up to *most*; those with which calls failed, or keep being lost, in ever smaller ones.

    A call that always fails because of one record so comes down to that record.
    """
    by_failures: defaultdict[int, list[Lead]] = defaultdict(list)
    for lead in leads:
        asked = lead.asked_of(provider)
        by_failures[asked.failed + max(0, asked.unknown - LOST_BY_CRASHES)].append(lead)
    found = []
    for failures, some in sorted(by_failures.items()):
        size = max(1, most >> min(failures, 10))
        found += [some[start : start + size] for start in range(0, len(some), size)]
    return found


def _gives_up(lead: Lead, offer: Offer) -> bool:
    """Whether a check is left to the daily job: it keeps failing about this lead, which shall not wait for it."""
    return bool(offer.checks) and lead.asked_of(offer.provider).failed >= HOPELESS_FAILURES


def is_hopeless(asked: Asked, state: State, others: float = 0) -> bool:
    """Whether a provider keeps failing about this lead alone: it has answered about others since, after fewer failures.

    *others*: how often it failed about each of them on average, which is not this lead's fault.
    """
    if asked.failed < HOPELESS_FAILURES + UNLUCKY * others:
        return False
    if asked.first_failed_at is None or state.last_success_at is None:
        return False
    return state.standing is Standing.UP and state.last_success_at > asked.first_failed_at


def _settled(
    leads: Mapping[UUID, Lead],
    choices: Mapping[UUID, Sequence[Choice]],
    states: Mapping[str, State],
    hopeless: Container[tuple[UUID, str]],
) -> Traced:
    """The leads that are done, and how long to wait for the others."""
    traced = Traced()
    waits: list[tuple[float, str]] = []
    for lead in leads.values():
        choice = choices[lead.id][0]
        if lead.in_flight_s:
            traced.waiting.add(lead.id)
            waits.append((lead.in_flight_s, "another replica"))
        elif isinstance(choice, Done):
            traced.done[lead.id] = lead
        elif (lead.id, choice.provider) in hopeless:
            traced.hopeless.add(lead.id)
        else:
            traced.waiting.add(lead.id)
            waits.append((states.get(choice.provider, State()).pause_s, choice.provider))
    if waits:
        seconds, traced.waits_for = min(waits)
        traced.wait = timedelta(seconds=max(seconds, 0.1))
    return traced
