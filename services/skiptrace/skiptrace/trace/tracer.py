"""Tracer: loads leads, chooses a provider, asks it, and repeats until no provider can add anything.

Between two steps all state is in PostgreSQL. A restarted process, or a repeated batch, resumes at the last stored
response and pays for nothing twice (ADR 14).
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Container, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from common.ids import LeadId
from common.vendors.errors import VendorCallError
from common.vendors.http_client import VendorHttpClient, check_status
from common.vendors.policy import Availability, VendorState
from common.vendors.throttle import VendorThrottle
from skiptrace.rules.lead import DataNeed, FreshnessCutoffs, Lead, LookupRequest
from skiptrace.rules.waterfall import (
    AskProvider,
    NextStep,
    WaterfallComplete,
    WaterfallPolicy,
    build_waterfall_input,
    choose_next_steps,
)
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.cost_metrics import start_counters
from skiptrace.trace.failing_leads import is_exhausted, is_left_to_daily_job, split_into_requests
from skiptrace.trace.in_flight_limit import InFlightLimit
from skiptrace.trace.lead_loader import LeadLoader
from skiptrace.trace.provider import MAX_PHONES_PER_LEAD, Provider
from skiptrace.trace.request_log import OpenRequest, RequestLog

MAX_CHECK_BACKOFF_SECONDS = 60.0
"""Longest backoff for which leads wait for a phone check (ADR 18). In a longer one its circuit counts as open."""
STOP_TIMEOUT_SECONDS = 28
MIN_WAIT_SECONDS = 0.1

_LeadAtProvider = tuple[LeadId, str]


@dataclass(slots=True)
class TraceResult:
    """The result of tracing a batch of leads."""

    done: dict[LeadId, Lead] = field(default_factory=dict)
    """Leads to which no provider can add anything; their responses are not merged yet."""
    exhausted: set[LeadId] = field(default_factory=set)
    """Leads about which a provider keeps failing while it answers about others."""
    waiting: set[LeadId] = field(default_factory=set)
    """Leads that are not done."""
    waits_for: str | None = None
    """The provider for which the other leads wait."""
    wait: timedelta = timedelta()


class Tracer:
    """Traces leads by the waterfall's policy."""

    def __init__(
        self,
        loader: LeadLoader,
        request_log: RequestLog,
        throttle: VendorThrottle,
        client: VendorHttpClient,
        providers: Mapping[str, Provider],
        settings: SkiptraceSettings,
    ) -> None:
        self._loader = loader
        self._request_log = request_log
        self._throttle = throttle
        self._client = client
        self._providers = providers
        self._settings = settings
        self._policy = settings.policy
        self._capabilities = [provider.capabilities for provider in providers.values()]
        self._in_flight = InFlightLimit(settings.skiptrace_in_flight)
        self._calls: set[asyncio.Task[bool]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Allow calls, and start the counters of every provider."""
        self._stopping = False
        for provider in self._providers:
            start_counters(provider)

    async def stop(self) -> None:
        """Start no further call, and wait for the responses of the calls in flight."""
        self._stopping = True
        if self._calls:
            await asyncio.wait(self._calls, timeout=STOP_TIMEOUT_SECONDS)

    async def trace_leads(
        self, lead_ids: Sequence[LeadId], until: float, needs: frozenset[DataNeed] | None = None
    ) -> TraceResult:
        """Trace *lead_ids* for *needs*, or for all needs of the policy. No call starts after *until* (monotonic seconds).

        Failures of a provider raise nothing.
        """
        policy = replace(self._policy, needs=self._policy.needs & needs) if needs else self._policy
        without_permit: set[str] = set()
        while True:
            await self._request_log.expire_requests()
            leads = await self._loader.load_leads(lead_ids)
            states = await self._throttle.load_states()
            exhausted = await self._find_exhausted(leads.values(), states)
            availability = self._availability(states, without_permit)
            steps = {lead.id: self._choose_steps(lead, availability, policy) for lead in leads.values()}
            to_ask = _group_by_provider(leads, steps, exhausted)
            if not to_ask or time.monotonic() >= until:
                return _build_result(leads, steps, states, exhausted)
            unpermitted = await asyncio.gather(
                *(self._ask_about_all(self._providers[name], some, until) for name, some in to_ask.items())
            )
            without_permit |= {name for name in unpermitted if name}

    async def _find_exhausted(self, leads: Collection[Lead], states: Mapping[str, VendorState]) -> set[_LeadAtProvider]:
        """Return leads, each with a provider that keeps failing about it."""
        exhausted: set[_LeadAtProvider] = set()
        for name, state in states.items():
            failing = [lead for lead in leads if is_exhausted(lead.attempts_at(name), state)]
            if failing:
                since = min(lead.attempts_at(name).first_failed_at or datetime.now(UTC) for lead in failing)
                average = await self._request_log.measure_average_failures(name, since)
                exhausted |= {
                    (lead.id, name) for lead in failing if is_exhausted(lead.attempts_at(name), state, average)
                }
        return exhausted

    def _availability(self, states: Mapping[str, VendorState], without_permit: set[str]) -> Mapping[str, Availability]:
        """Return the availability of providers in this round."""
        found = {name: state.availability for name, state in states.items()}
        for name in without_permit:
            if found.get(name) is not Availability.CIRCUIT_OPEN:
                found[name] = Availability.BACKING_OFF
        for name, state in states.items():
            if self._providers[name].capabilities.checks and state.backoff_seconds > MAX_CHECK_BACKOFF_SECONDS:
                found[name] = Availability.CIRCUIT_OPEN
        return found

    def _choose_steps(
        self, lead: Lead, availability: Mapping[str, Availability], policy: WaterfallPolicy
    ) -> list[NextStep]:
        if lead.untraceable or lead.person is None:
            return [WaterfallComplete()]
        providers = [one for one in self._capabilities if not is_left_to_daily_job(lead, one)]
        state = build_waterfall_input(lead, policy, self._cutoffs())
        return choose_next_steps(state, providers, availability, policy)

    def _cutoffs(self) -> FreshnessCutoffs:
        return self._settings.freshness_cutoffs(datetime.now(UTC))

    async def _ask_about_all(self, provider: Provider, leads: list[Lead], until: float) -> str | None:
        """Ask *provider* about *leads* in parallel calls; return its name if some leads got no call or no response."""
        max_records = min(provider.max_records, self._settings.skiptrace_in_flight)
        if provider.rate.counts_records:
            max_records = min(max_records, provider.rate.units)
        requests = split_into_requests(leads, provider.name, max_records)
        results = await asyncio.gather(*(self._ask(provider, request, until) for request in requests))
        return None if all(results) else provider.name

    async def _ask(self, provider: Provider, leads: Sequence[Lead], until: float) -> bool:
        """Make one call; return False without a permit, after a failure, or if it is too late."""
        async with self._in_flight.reserve_records(len(leads)):
            if time.monotonic() >= until:  # the reservation took long, and a rebalance waits for this batch
                return False
            permit = await self._throttle.acquire_permit(provider.name, len(leads), until)
            if permit is None or self._stopping:
                return False
            try:
                call = self._call(provider, leads[: permit.records], is_probe=permit.is_probe)
                is_asked = await self._finish_call(call)
            except VendorCallError as error:
                # An invalid request counts, too: if a vendor changed its API, the circuit opens before many leads are given up.
                await self._throttle.record_failure(provider.name, error, is_probe=permit.is_probe)
                return False
            if is_asked:
                await self._throttle.record_success(provider.name)
            return is_asked

    async def _finish_call(self, call: Coroutine[Any, Any, bool]) -> bool:
        """Run a paid call to its end, even if its batch or job is cancelled: otherwise its response would be lost."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return await asyncio.shield(task)

    async def _call(self, provider: Provider, leads: Sequence[Lead], *, is_probe: bool) -> bool:
        """Log a request, send it and store its response; False if other requests about all of *leads* are in progress.

        Raises VendorCallError without a usable response.
        """
        lookups = [self._build_lookup(lead, provider) for lead in leads]
        parallel = [one.provider for one in self._capabilities if provider.capabilities.can_run_in_parallel(one)]
        request = await self._request_log.open_request(
            provider, leads, lookups, parallel_providers=parallel, is_probe=is_probe
        )
        if request is None:
            return False
        await self._send(request)
        return True

    async def _send(self, request: OpenRequest) -> None:
        """Send a logged request, and store its response or failure. Raises VendorCallError."""
        provider = request.provider
        try:
            message = provider.build_request(request.lookups)
            response = await self._client.send_request(message, request.start_before)
            check_status(provider.name, response)
        except VendorCallError as error:
            await self._request_log.store_failure(request, error)
            raise
        await self._request_log.store_response(request, response)

    def _build_lookup(self, lead: Lead, provider: Provider) -> LookupRequest:
        if lead.person is None:
            raise AssertionError("no provider is asked about a lead without an address")
        cutoffs = self._cutoffs()
        to_verify = {
            channel: contact.value
            for channel in ("phone", "email")
            if provider.takes_contacts and (contact := lead.find_unverified(channel, cutoffs.verification))
        }
        to_check = [
            phone.value for check in provider.capabilities.checks for phone in lead.phones_to_check(check, cutoffs)
        ]
        phones = tuple(to_check[:MAX_PHONES_PER_LEAD])
        return LookupRequest(lead.id, lead.person, to_verify.get("phone"), to_verify.get("email"), phones)


def _group_by_provider(
    leads: Mapping[LeadId, Lead], steps: Mapping[LeadId, Sequence[NextStep]], exhausted: Container[_LeadAtProvider]
) -> Mapping[str, list[Lead]]:
    """Return the leads to ask about now, by provider."""
    to_ask: defaultdict[str, list[Lead]] = defaultdict(list)
    for lead in leads.values():
        for step in steps[lead.id]:
            if lead.in_flight_seconds or not isinstance(step, AskProvider):
                continue
            if (lead.id, step.provider) not in exhausted:
                to_ask[step.provider].append(lead)
    return to_ask


def _build_result(
    leads: Mapping[LeadId, Lead],
    steps: Mapping[LeadId, Sequence[NextStep]],
    states: Mapping[str, VendorState],
    exhausted: Container[_LeadAtProvider],
) -> TraceResult:
    """Return the leads that are done, and the time that the others wait."""
    result = TraceResult()
    waits: list[tuple[float, str]] = []
    for lead in leads.values():
        step = steps[lead.id][0]
        if lead.in_flight_seconds:
            result.waiting.add(lead.id)
            waits.append((lead.in_flight_seconds, "another replica"))
        elif isinstance(step, WaterfallComplete):
            result.done[lead.id] = lead
        elif (lead.id, step.provider) in exhausted:
            result.exhausted.add(lead.id)
        else:
            result.waiting.add(lead.id)
            waits.append((states[step.provider].backoff_seconds, step.provider))
    if waits:
        seconds, result.waits_for = min(waits)
        result.wait = timedelta(seconds=max(seconds, MIN_WAIT_SECONDS))
    return result
