"""What skiptrace does on each event: the owner of a new or changed lead is found, and can be reached or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from common.bus import Batch, Received, TheirsDownError, Tx
from common.events import DedupeSuccess
from skiptrace.codes import Codes
from skiptrace.lead import Lead
from skiptrace.record import Recorder
from skiptrace.tracing import Tracer

TRY_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True, eq=False)
class TracedLead:
    """A message, and what tracing its lead found; None where there is no such lead any more."""

    cause: Received[Any]
    lead: Lead | None


class SkipTrace:
    """The handlers of skiptrace, with what they need."""

    def __init__(self, tracer: Tracer, recorder: Recorder, codes: Codes) -> None:
        self._tracer = tracer
        self._recorder = recorder
        self._codes = codes

    async def trace_owner(self, batch: Batch[DedupeSuccess]) -> None:
        """Find and verify the owner's phone and email, provider by provider.

        What is finished is committed; for the rest consumption pauses as long as its provider needs (hazards S11).
        """
        ids = list(dict.fromkeys(received.event.lead_id for received in batch if received.event.lead_id))
        traced = await self._tracer.trace(ids, batch.deadline)
        codes = await self._codes.current()
        finished = []
        for received in batch:
            lead_id = received.event.lead_id
            if lead_id in traced.hopeless:
                batch.reject(
                    received, "provider_fails", "a provider keeps failing with this lead", retry_after=TRY_AGAIN
                )
            elif lead_id not in traced.waiting:
                finished.append(TracedLead(received, traced.done.get(lead_id) if lead_id else None))

        async def write(tx: Tx, items: Sequence[TracedLead]) -> None:
            leads = {item.lead.id: item.lead for item in items if item.lead}
            causes = {item.lead.id: item.cause for item in reversed(items) if item.lead}
            await self._recorder.record(tx, list(leads.values()), codes, causes)

        await batch.commit(finished, write)
        if traced.waits_for:
            raise TheirsDownError(traced.waits_for, traced.wait)
