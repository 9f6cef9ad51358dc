"""The records of one home in one batch, merged into one row before the database sees them.

Facts are chosen column by column, by the rule that `pipeline.wins` has in SQL: the later observation, then the higher source
rank, then the larger value. The order of arrival does not count. Columns that mean something only together are chosen
together (ADR 31).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.lead_facts import FACT_GROUPS, FLAGS, STAMPED_FACTS
from ingest.leads.home_matching import find_homes
from ingest.leads.lead_row import LeadRow

_GROUPED_COLUMNS = frozenset(name for group in FACT_GROUPS.values() for name in group)


@dataclass(slots=True)
class MergedLead:
    """One home of the batch: the merged row, which input rows are in it, and which of them added something new."""

    row: LeadRow
    members: list[int]
    added_facts: list[bool] = field(default_factory=list)


def merge_records(rows: Sequence[LeadRow]) -> list[MergedLead]:
    """Merge the rows of each home that agree in their keys. Members and what they added stay in input order."""
    return [_merge_rows(rows, members) for members in find_homes(rows)]


def find_lost_keys(rows: Iterable[LeadRow], merged: LeadRow) -> list[tuple[str, str]]:
    """Return the keys of *rows* that *merged* does not have, as (column, value), so that they can be recorded."""
    lost = {
        (name, row.facts[name].hex() if name == "addr_hash" else row.facts[name])
        for row in rows
        for name in ("apn_key", "addr_hash")
        if row.facts.get(name) is not None and row.facts[name] != merged.facts.get(name)
    }
    return sorted(lost)


def _merge_rows(rows: Sequence[LeadRow], members: list[int]) -> MergedLead:
    first = rows[members[0]]
    if len(members) == 1:
        return MergedLead(first, members, [True])
    merged = LeadRow(
        first.id, max(rows[member].stamp for member in members), first.source, dict(first.facts), dict(first.flags), first.mak,
        first.broker_id, first.editable_brokers, first.data_key, first.lead_score, first.score_contributions,
        first.upload_id, first.row, first.event_id, _fact_stamps(first),
    )  # fmt: skip
    added_facts = [True]
    added_facts += [_merge_row(merged, rows[member]) for member in members[1:]]
    return MergedLead(merged, members, added_facts)


def _fact_stamps(row: LeadRow) -> dict[str, int]:
    return row.observed or {name: row.stamp for name in STAMPED_FACTS if row.facts.get(name) is not None}


def _merge_row(merged: LeadRow, row: LeadRow) -> bool:
    """Merge *row* into *merged*; return whether anything changed."""
    merged.observed = _fact_stamps(merged)
    stamps = _fact_stamps(row)
    changed = _merge_single_columns(merged, merged.observed, row, stamps)
    changed = _merge_groups(merged, row, stamps) or changed
    for name in FLAGS:
        if row.flags.get(name) and not merged.flags.get(name):
            merged.flags[name] = changed = True
    if row.mak and not merged.mak:
        merged.mak, changed = row.mak, True
    return changed


def _merge_single_columns(merged: LeadRow, merged_stamps: dict[str, int], row: LeadRow, stamps: dict[str, int]) -> bool:
    """Take the columns of *row* that win over those of *merged*; return whether a value changed."""
    changed = False
    for name, stamp in stamps.items():
        if name in _GROUPED_COLUMNS:
            continue
        value, present = row.facts[name], merged.facts.get(name)
        if present is None or (stamp, _sort_key(value)) > (merged_stamps[name], _sort_key(present)):
            changed = changed or value != present
            merged.facts[name], merged_stamps[name] = value, stamp
    return changed


def _merge_groups(merged: LeadRow, row: LeadRow, stamps: dict[str, int]) -> bool:
    """Take the groups of columns of *row* that rank above those of *merged*; return whether a value changed."""
    merged_stamps, changed = _fact_stamps(merged), False
    for names in FACT_GROUPS.values():
        if _group_rank(row.facts, stamps, names) <= _group_rank(merged.facts, merged_stamps, names):
            continue
        for name in names:
            changed = changed or row.facts.get(name) != merged.facts.get(name)
            merged.facts[name] = row.facts.get(name)
            merged_stamps.pop(name, None)
            if name in stamps:
                merged_stamps[name] = stamps[name]
    merged.observed = merged_stamps
    return changed


def _group_rank(facts: dict[str, Any], stamps: dict[str, int], names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the sort key of the columns *names*: with a key before without, then by stamp, then by value."""
    present = [stamps[name] for name in names if name in stamps]
    values = tuple((facts.get(name) is not None, _sort_key(facts.get(name)) or b"") for name in names)
    return facts.get(names[0]) is not None, max(present, default=0), values


def _sort_key(value: Any) -> Any:
    """Return the sort key of a value among those of its column, as PostgreSQL compares them: text by its bytes."""
    return value.encode() if isinstance(value, str) else value
