"""Event handlers of skiptrace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from common.bus import Batch, Received, Tx, VendorUnavailableError
from common.events import DedupeSuccess
from common.ids import LeadId
from skiptrace.rules.lead import Lead
from skiptrace.trace.code_table import CodeTable
from skiptrace.trace.result_writer import ResultWriter
from skiptrace.trace.tracer import Tracer

PROVIDER_FAILURE_RETRY_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, eq=False)
class TracedLead:
    """A message with its traced lead; None if that lead no longer exists."""

    cause: Received[Any]
    lead: Lead | None


class SkiptraceHandlers:
    """The handlers of skiptrace."""

    def __init__(self, tracer: Tracer, writer: ResultWriter, codes: CodeTable) -> None:
        self._tracer = tracer
        self._writer = writer
        self._codes = codes

    async def trace_owner(self, batch: Batch[DedupeSuccess]) -> None:
        """Find and verify the owner's phone and email, provider by provider.

        Finished leads are committed. For the others consumption pauses until their provider is available again, so
        that an outage creates no dead letters (docs/hazards.md, S11).
        """
        lead_ids = list(dict.fromkeys(LeadId(lead_id) for received in batch if (lead_id := received.event.lead_id)))
        traced = await self._tracer.trace_leads(lead_ids, batch.deadline)
        codes = await self._codes.load_map()
        finished = []
        for received in batch:
            lead_id = LeadId(received.event.lead_id) if received.event.lead_id else None
            if lead_id in traced.exhausted:
                batch.reject(
                    received,
                    "provider_fails",
                    "a provider keeps failing with this lead",
                    retry_after=PROVIDER_FAILURE_RETRY_AFTER,
                )
            elif lead_id not in traced.waiting:
                finished.append(TracedLead(received, traced.done.get(lead_id) if lead_id else None))

        async def write(tx: Tx, items: Sequence[TracedLead]) -> None:
            leads = {item.lead.id: item.lead for item in items if item.lead}
            causes = {item.lead.id: item.cause for item in reversed(items) if item.lead}
            await self._writer.write_results(tx, list(leads.values()), codes, causes)

        await batch.commit(finished, write)
        if traced.waits_for:
            raise VendorUnavailableError(traced.waits_for, traced.wait)
