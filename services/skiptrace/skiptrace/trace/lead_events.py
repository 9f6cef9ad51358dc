"""Events about traced leads: the outcome for the funnel, and facts for ingest, which alone may write them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from common import telemetry
from common.bus import Received, Tx
from common.events import LeadRecord, LeadUnverifiable, LeadVerified
from common.ids import LeadId
from skiptrace.trace.merged_result import MergedResult
from skiptrace.trace.queries import LockedLead

OLDEST_OBSERVATION = date(1970, 1, 1)
"""Observation day of facts for ingest: they fill empty columns and override nothing."""


def emit_outcomes(
    tx: Tx,
    merged: Sequence[MergedResult],
    versions: Mapping[LeadId, int],
    causes: Mapping[LeadId, Received[Any]],
) -> None:
    """Emit the outcome of each lead with something to report. *versions* has the leads whose row changed."""
    for one in merged:
        cause = causes.get(one.lead.id)
        is_changed = one.lead.id in versions
        is_traced = any(not response.is_check for response in one.responses)  # an unchanged check is not reported
        if is_changed or is_traced or one.is_unreported_failure(cause):
            _emit_outcome(tx, one, versions.get(one.lead.id, one.row.lead_version), cause)


def _emit_outcome(tx: Tx, one: MergedResult, version: int, cause: Received[Any] | None) -> None:
    facts: dict[str, Any] = {
        "lead_id": one.lead.id,
        "lead_version": version,
        "broker_id": one.row.assigned_broker_id,
        "occurred_at": tx.now,
        "providers": sorted(one.lead.attempts),
    }
    reasons = one.unreachable_reasons
    outcome = reasons[0] if reasons else one.best.outcome
    telemetry.counter("equity_skiptrace_leads", "Leads traced, by outcome").add(1, {"outcome": str(outcome)})
    if reasons:
        tx.emit(LeadUnverifiable(**facts, outcome=outcome, reasons=reasons), cause=cause)
    else:
        tx.emit(LeadVerified(**facts, outcome=outcome, channels=one.best.channels), cause=cause)


def emit_ingest_facts(tx: Tx, one: MergedResult, mak: str | None, cause: Received[Any] | None) -> None:
    """Emit to ingest a new MAK, and that the owner is deceased or a litigator; nothing if there is nothing new."""
    deceased = "deceased" in one.flags and not one.row.deceased_owner
    litigator = "litigator" in one.flags and not one.row.litigator
    if mak or deceased or litigator:
        source = one.responses[-1].provider
        record = _build_record(one.row, source, mak, deceased=deceased, litigator=litigator)
        tx.emit(record, cause=cause, subject=one.lead.id)


def _build_record(row: LockedLead, source: str, mak: str | None, *, deceased: bool, litigator: bool) -> LeadRecord:
    """Return the record that identifies this lead for ingest, whichever broker it has, with the provider's facts."""
    return LeadRecord(
        source=source,
        observed_on=OLDEST_OBSERVATION,
        allowed_broker_ids=[row.assigned_broker_id] if row.assigned_broker_id else row.assignable_broker_ids,
        mak=mak or row.mak,
        apn=row.apn,
        county=row.county,
        property_address=row.property_address,
        property_unit=row.property_unit,
        property_city=row.property_city,
        property_state=row.property_state,
        property_zip=row.property_zip,
        deceased_owner=deceased or None,
        litigator=litigator or None,
    )
