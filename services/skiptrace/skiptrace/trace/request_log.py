"""Log of paid provider requests. A row is committed before each call, and the raw response right after it.

So a crash costs at most the records in flight, and no lead. Leads are always loaded from here, with their unmerged responses.
Resuming after a crash is the same code as continuing after a response (ADR 14).
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import structlog

from common.bus.failures import FailureKind, classify_error
from common.database import Connection, Database
from common.ids import RequestId, new_id
from common.vendors.errors import InvalidRequestError, OutcomeUnknownError, VendorCallError
from common.vendors.http_client import VendorHttpResponse
from skiptrace.rules.lead import Lead, LookupRequest
from skiptrace.settings import CALL_START_MARGIN, SkiptraceSettings
from skiptrace.trace import queries
from skiptrace.trace.cost_metrics import count_records
from skiptrace.trace.provider import Provider, read_response
from skiptrace.trace.request_codec import RequestCodec

log = structlog.get_logger()

STORE_TIMEOUT_SECONDS = 20.0
"""Time for which a paid response waits for the database; shorter than the wait of a rebalance for the batch."""
STORE_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A logged request that may now be sent."""

    id: RequestId
    provider: Provider
    lookups: Sequence[LookupRequest]
    start_before: datetime
    """Latest start of the call by this machine's clock: its response then arrives before the lease ends."""
    is_probe: bool = False
    """Whether the call is the half-open probe of a provider whose circuit is open."""


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """The end of a call, as it is stored."""

    outcome: str
    """`answered`, `unknown` or `failed`, for the request."""
    cents: Decimal
    detail: str | None
    response: bytes | None
    """The encrypted raw response."""
    attempt: str | None
    """The outcome for each lead of the request; None while its result is not merged."""


class RequestLog:
    """Requests and raw responses of skip tracing."""

    def __init__(self, database: Database, codec: RequestCodec, settings: SkiptraceSettings) -> None:
        self._database = database
        self._codec = codec
        self._settings = settings

    async def expire_requests(self) -> int:
        """Mark requests whose lease has ended as unknown, count them in money, and return their number."""
        async with self._database.transaction() as connection:
            expired = await queries.expire_requests(connection)
            if expired:
                await queries.mark_attempts_unknown(connection, request_ids=[request.id for request in expired])
        for request in expired:
            cents = request.cost_cents or Decimal(0)
            log.error(
                "paid_request_expired",
                request_id=str(request.id),
                provider=request.provider,
                records=request.records,
                cents=float(cents),
            )
            count_records(request.provider, "unknown", request.records, cents)
        return len(expired)

    async def expire_batches(self) -> None:
        """End the leases of files. Leads without an imported row may be exported again, and cost nothing."""
        async with self._database.transaction() as connection:
            expired = await queries.expire_batches(connection)
        for batch in expired:
            log.warning("batch_lease_expired", batch_id=str(batch.batch_id), records=batch.records)
            count_records(batch.provider, "expired", batch.records, Decimal(0))

    async def measure_average_failures(self, provider: str, since: datetime) -> float:
        """Return the average failures of *provider* since then about a lead that it answered in the end."""
        async with self._database.connection() as connection:
            return await queries.measure_average_failures(connection, provider=provider, since=since)

    async def open_request(
        self,
        provider: Provider,
        leads: Sequence[Lead],
        lookups: Sequence[LookupRequest],
        *,
        parallel_providers: Sequence[str],
        is_probe: bool,
    ) -> OpenRequest | None:
        """Log a request for *lookups* before its call; None if other requests about all of these leads are in progress.

        Requests to *parallel_providers* may be in progress at the same time.
        """
        request_id = RequestId(new_id())
        async with self._database.transaction() as connection:
            free = await self._lock_free_lookups(connection, leads, lookups, parallel_providers)
            if not free:
                return None
            start_before = datetime.now(UTC) + CALL_START_MARGIN
            await queries.add_request(
                connection,
                request_id=request_id,
                provider=provider.name,
                records=len(free),
                cost_cents=provider.capabilities.cents_per_lead * len(free),
                lookups=self._codec.encrypt_lookups(request_id, free),
                lease=self._settings.request_lease,
            )
            await queries.add_attempts(
                connection,
                request_id=request_id,
                provider=provider.name,
                lead_ids=[lookup.lead_id for lookup in free],
            )
        return OpenRequest(request_id, provider, free, start_before, is_probe)

    async def _lock_free_lookups(
        self,
        connection: Connection,
        leads: Sequence[Lead],
        lookups: Sequence[LookupRequest],
        parallel_providers: Sequence[str],
    ) -> list[LookupRequest]:
        """Lock the leads of *lookups*, and return the lookups of leads without another request in progress."""
        lead_ids = [lookup.lead_id for lookup in lookups]
        await queries.lock_leads(connection, lead_ids=lead_ids)
        in_progress = await queries.list_leads_in_progress(
            connection,
            lead_ids=lead_ids,
            seen_request_ids=[response.request_id for lead in leads for response in lead.responses],
            since=datetime.now(UTC) - timedelta(days=self._settings.skiptrace_period_days),
            parallel_providers=parallel_providers,
            read_at=min(lead.read_at for lead in leads),
        )
        return [lookup for lookup in lookups if lookup.lead_id not in in_progress]

    async def store_response(self, request: OpenRequest, response: VendorHttpResponse) -> None:
        """Store the raw response before anything is derived from it.

        Raises VendorCallError if it cannot be used; then the failure is stored.
        """
        try:
            results = read_response(request.provider, request.lookups, response)
        except VendorCallError as error:
            await self.store_failure(request, error, response)
            raise
        cents = request.provider.calculate_cents(results)
        encrypted = self._codec.encrypt_response(request.id, response)
        await self._store(request, RequestOutcome("answered", cents, None, encrypted, attempt=None))
        log.info(
            "provider_response_stored",
            provider=request.provider.name,
            records=len(request.lookups),
            matched=sum(result.matched for result in results),
        )

    async def store_failure(
        self, request: OpenRequest, error: VendorCallError, response: VendorHttpResponse | None = None
    ) -> None:
        """Store the failure of a call: `failed` if it cannot have been charged, else `unknown`."""
        is_unknown = isinstance(error, OutcomeUnknownError)
        outcome = "unknown" if is_unknown else "failed"
        most = request.provider.capabilities.cents_per_lead * len(request.lookups)
        cents = most if is_unknown else Decimal(0)
        encrypted = self._codec.encrypt_response(request.id, response) if response and is_unknown else None
        attempt = _attempt_outcome(request, error)
        await self._store(request, RequestOutcome(outcome, cents, error.code, encrypted, attempt))
        log.warning(
            "provider_call_failed",
            provider=request.provider.name,
            outcome=outcome,
            code=error.code,
            records=len(request.lookups),
        )

    async def _store(self, request: OpenRequest, outcome: RequestOutcome) -> None:
        """Store and count the end of a call. Retry for long: the response is paid for and exists only in this process."""
        give_up, tries = time.monotonic() + STORE_TIMEOUT_SECONDS, 0
        while True:
            tries += 1
            try:
                before = await self._store_once(request, outcome)
            except Exception as error:
                # One session that hangs may use up all of the time, so a second try is always made.
                is_late = tries > 1 and time.monotonic() > give_up
                if is_late or classify_error(error) not in (
                    FailureKind.INFRASTRUCTURE_UNAVAILABLE,
                    FailureKind.TRANSIENT_CONFLICT,
                ):
                    raise
                log.warning("response_store_retried", provider=request.provider.name, error=type(error).__name__)
                await asyncio.sleep(STORE_RETRY_SECONDS)
            else:
                break
        if (before, outcome.outcome) != ("unknown", "unknown"):  # the replica that ended the lease has counted it
            count_records(request.provider.name, outcome.outcome, len(request.lookups), outcome.cents)

    async def _store_once(self, request: OpenRequest, outcome: RequestOutcome) -> str | None:
        """Store the end of a call in one transaction, and return the outcome that was stored before."""
        async with self._database.transaction() as connection:
            before = await queries.store_outcome(
                connection,
                request_id=request.id,
                outcome=outcome.outcome,
                cost_cents=outcome.cents,
                response=outcome.response,
                detail=outcome.detail,
            )
            await queries.set_attempt_outcome(connection, request_id=request.id, outcome=outcome.attempt)
        return before


def _attempt_outcome(request: OpenRequest, error: VendorCallError) -> str:
    """Return the outcome for each lead of a failed request.

    A failure of a provider whose circuit is open says nothing about its leads and does not count against them.
    """
    if isinstance(error, OutcomeUnknownError):
        return "unknown"
    if isinstance(error, InvalidRequestError) and len(request.lookups) == 1:
        return "refused_record"
    return "circuit_open" if request.is_probe else "failed"
