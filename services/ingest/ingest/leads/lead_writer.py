"""Writer of the leads of a batch, inside the transaction of the batch, and of the events about them."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.bus import Tx
from common.events import DedupeSuccess
from common.ids import LeadId
from common.pii.keyring import Keyring
from ingest.leads import queries
from ingest.leads.contact_writer import write_contacts
from ingest.leads.merge import find_lost_keys, merge_records
from ingest.leads.prohibitions import enforce_prohibitions
from ingest.leads.queries import UpsertedLead
from ingest.leads.rescoring import NewScore, rescore_leads
from ingest.leads.written_home import WrittenHome
from ingest.prepare import PreparedRecord

LEAD_OUTCOMES = ("inserted", "updated", "duplicate")


@dataclass(slots=True)
class LeadOutcome:
    """Outcome of one record: the lead that it is in now, and whether it inserted, updated or repeated it."""

    record: PreparedRecord
    lead: UpsertedLead
    outcome: str
    lead_version: int
    score: int


async def write_leads(tx: Tx, records: Sequence[PreparedRecord], keyring: Keyring) -> list[LeadOutcome]:
    """Upsert the homes of *records* with their contacts and scores. Emit an event for each record that changed a lead."""
    if not records:
        return []
    homes = await _upsert_homes(tx, records)
    await _save_assignable_brokers(tx, homes)
    contributors = await write_contacts(tx, homes, keyring)
    await enforce_prohibitions(tx, homes, keyring)
    await _save_lost_keys(tx, homes)
    scores = await _rescore_changed_leads(tx, homes, contributors)
    outcomes = [outcome for home in homes for outcome in _outcomes_of_home(home, scores, contributors)]
    for outcome in outcomes:
        if outcome.outcome != "duplicate":
            _emit_dedupe_success(tx, outcome)
    return outcomes


async def _upsert_homes(tx: Tx, records: Sequence[PreparedRecord]) -> list[WrittenHome]:
    merged_leads = merge_records([record.row for record in records])
    staged = [merged.row.as_record(number) for number, merged in enumerate(merged_leads)]
    leads = {lead.ord: lead for lead in await queries.upsert_leads(tx.connection, records=staged)}
    return [
        WrittenHome(merged.row, [records[member] for member in merged.members], merged.added_facts, leads[number])
        for number, merged in enumerate(merged_leads)
    ]


async def _save_assignable_brokers(tx: Tx, homes: Sequence[WrittenHome]) -> None:
    """Save to which brokers leads without one may be assigned, for territories that are added later."""
    lead_ids: list[LeadId] = []
    are_new: list[bool] = []
    broker_ids: list[str | None] = []
    for home in homes:
        if home.lead.broker_id is not None:
            continue
        choices = [record.row.editable_brokers for record in home.records]
        is_unrestricted = None in choices
        if home.is_new and is_unrestricted:
            continue
        allowed = {broker for choice in choices if choice is not None for broker in choice}
        lead_ids.append(home.lead_id)
        are_new.append(home.is_new)
        broker_ids.append(None if is_unrestricted else ",".join(sorted(map(str, allowed))))
    if lead_ids:
        await queries.save_assignable_brokers(tx.connection, lead_ids=lead_ids, is_new=are_new, broker_ids=broker_ids)


async def _save_lost_keys(tx: Tx, homes: Sequence[WrittenHome]) -> None:
    """Save keys that lost against another record of the same home in this batch: no key is dropped unrecorded."""
    lost = [
        (home, column, value)
        for home in homes
        if len(home.records) > 1 and not home.is_foreign
        for column, value in find_lost_keys([record.row for record in home.records], home.row)
    ]
    if lost:
        await queries.add_conflicts(
            tx.connection,
            lead_ids=[home.lead_id for home, _, _ in lost],
            columns=[column for _, column, _ in lost],
            values=[value for _, _, value in lost],
            upload_ids=[home.row.upload_id for home, _, _ in lost],
            rows=[home.row.row for home, _, _ in lost],
            event_ids=[home.row.event_id for home, _, _ in lost],
        )


async def _rescore_changed_leads(
    tx: Tx, homes: Sequence[WrittenHome], contributors: set[PreparedRecord]
) -> dict[LeadId, NewScore]:
    """Rescore leads whose facts come from several records, or whose contacts changed: their first score is outdated."""
    changed = {
        home.lead_id: home.records[0].cause.time.date()
        for home in homes
        if home.outcome == "updated"
        or (home.is_new and len(home.records) > 1)
        or (home.outcome == "duplicate" and not contributors.isdisjoint(home.records))
    }
    return await rescore_leads(tx, changed)


def _outcomes_of_home(
    home: WrittenHome, scores: dict[LeadId, NewScore], contributors: set[PreparedRecord]
) -> list[LeadOutcome]:
    """Return the outcome of each record of a home.

    The first record has the outcome of the upsert. A later one has updated the lead if it added facts. A record that
    brought a new contact has updated the lead, too.
    """
    lead = home.lead
    score, version = scores.get(home.lead_id, (lead.lead_score, lead.lead_version))
    outcomes = []
    for position, (record, has_added_facts) in enumerate(zip(home.records, home.added_facts, strict=True)):
        outcome = home.outcome
        if position > 0:
            outcome = "updated" if has_added_facts and home.outcome != "duplicate" else "duplicate"
        if outcome == "duplicate" and record in contributors:
            outcome = "updated"
        outcomes.append(LeadOutcome(record, lead, outcome, version, score))
    return outcomes


def _emit_dedupe_success(tx: Tx, outcome: LeadOutcome) -> None:
    event = outcome.record.cause.event
    tx.emit(
        DedupeSuccess(
            lead_id=outcome.lead.lead_id,
            lead_version=outcome.lead_version,
            broker_id=outcome.lead.broker_id,
            occurred_at=tx.now,
            outcome=outcome.outcome,
            matched_by=outcome.lead.matched_by,
            score=outcome.score,
            upload_id=event.upload_id,
            row=event.row,
        ),
        cause=outcome.record.cause,
    )
