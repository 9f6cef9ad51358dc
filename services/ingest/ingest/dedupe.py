"""Records of one home in one batch become one, before the database sees them.

Records are joined over their keys, strongest first, and a weaker key never joins records whose stronger keys differ: one
mixed-up row must not fuse two homes. Facts are then chosen column by column by the rule that `pipeline.wins` has in SQL: the later
observation, then the higher source rank, then the larger value. Arrival does not count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

FACTS = (
    "property_address", "property_unit", "property_city", "property_state", "property_zip", "county", "fips", "apn",
    "owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name", "mailing_address",
    "mailing_unit", "mailing_city", "mailing_state", "mailing_zip", "property_type", "bedrooms", "bathrooms", "building_sqft",
    "lot_sqft", "year_built", "owner_occupied", "vacant", "est_value", "est_equity", "est_ltv", "open_loans",
    "open_loan_balance", "last_sale_date", "last_sale_amount", "apn_key", "addr_hash",
)  # fmt: skip
"""The columns chosen one by one, in the order of `pipeline.leads_staging` and of `leads.observed`."""
FLAGS = ("deceased_owner", "do_not_mail", "litigator")
"""Columns that stay true once any record says so."""

SOURCE_RANKS = {"melissa": 8, "batchdata": 6, "upstream": 5, "propstream": 4, "legacy": 1}
DEFAULT_RANK = 3
EPOCH_ORDINAL = 719_163
"""`date(1970, 1, 1).toordinal()`."""


def stamp_of(ordinal: int, source: str) -> int:
    """When and by whom a fact was seen, as one integer: days since 1970 * 16 + rank of the source."""
    return (ordinal - EPOCH_ORDINAL) * 16 + SOURCE_RANKS.get(source, DEFAULT_RANK)


@dataclass(slots=True)
class LeadRow:
    """A record on its way to `upsert_leads`: the columns of `pipeline.leads_staging`."""

    id: UUID
    stamp: int
    source: str
    facts: dict[str, Any]
    flags: dict[str, bool]
    mak: str | None = None
    broker_id: UUID | None = None
    editable_brokers: list[UUID] | None = None
    data_key: bytes | None = None
    lead_score: int = 0
    score_contributions: str | None = None
    upload_id: UUID | None = None
    row: int | None = None
    event_id: UUID | None = None
    observed: dict[str, int] | None = None
    """Stamps of single facts, once records were merged; None where all have `stamp`."""

    def as_record(self, number: int) -> tuple[Any, ...]:
        """The row as asyncpg encodes a `pipeline.leads_staging`; *number* is its place in the batch."""
        facts, observed = self.facts, self.observed
        return (
            number, self.id, self.stamp, self.source, self.broker_id, self.editable_brokers, self.data_key, self.lead_score,
            self.score_contributions, self.upload_id, self.row, self.event_id,
            observed and [observed.get(name) for name in FACTS], self.mak,
            *map(facts.get, FACTS), *[self.flags.get(name, False) for name in FLAGS],
            None, None, None, None,
        )  # fmt: skip


@dataclass(slots=True)
class Merged:
    """One home of the batch: the merged row, which input rows are in it, and which of them said something new."""

    row: LeadRow
    members: list[int]
    said_more: list[bool] = field(default_factory=list)


def group(rows: Sequence[LeadRow]) -> list[Merged]:
    """Merge the rows of each home. Members and their verdicts stay in input order; homes in the order of their first row."""
    if _all_differ(rows):
        return [Merged(row, [place], [True]) for place, row in enumerate(rows)]
    homes: dict[int, list[int]] = {}
    parents = _join(rows)
    for place in range(len(rows)):
        homes.setdefault(_find(parents, place), []).append(place)
    return [_merge(rows, members) for members in homes.values()]


def _all_differ(rows: Sequence[LeadRow]) -> bool:
    """Whether no key stands on two rows: the usual batch."""
    for keys in _keys(rows):
        present = [key for key in keys if key is not None]
        if len(set(present)) < len(present):
            return False
    return True


def _keys(rows: Sequence[LeadRow]) -> tuple[list[Any], list[Any], list[Any]]:
    """The three keys of all rows, strongest first. A row of another broker is another home's as far as this batch knows."""
    return (
        [row.mak and (row.mak, row.broker_id) for row in rows],
        [row.facts.get("apn_key") and (row.facts["apn_key"], row.broker_id) for row in rows],
        [row.facts.get("addr_hash") and (row.facts["addr_hash"], row.broker_id) for row in rows],
    )


def _join(rows: Sequence[LeadRow]) -> list[int]:
    parents = list(range(len(rows)))
    all_keys = _keys(rows)
    held: list[list[set[Any]]] = [[{key} if key else set() for key in keys] for keys in all_keys]
    for level, keys in enumerate(all_keys):
        members: dict[Any, list[int]] = {}
        for place, key in enumerate(keys):
            if key is not None:
                members.setdefault(key, []).append(place)
        for places in members.values():
            if len(places) == 1:
                continue
            # Rows that agree with others on a stronger key lead, so that the order of arrival does not decide.
            for place in sorted(places, key=lambda p: tuple(repr(k[p]) for k in all_keys)):
                _unite_with_first_fit(parents, held, level, places, place)
    return parents


def _unite_with_first_fit(
    parents: list[int], held: list[list[set[Any]]], level: int, places: list[int], place: int
) -> None:
    for other in sorted(places):
        a, b = sorted((_find(parents, place), _find(parents, other)))
        if a == b:
            continue
        if all(len(held[stronger][a] | held[stronger][b]) <= 1 for stronger in range(level)):
            parents[b] = a
            for keys in held:
                keys[a] |= keys[b]
            return


def _find(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def _merge(rows: Sequence[LeadRow], members: list[int]) -> Merged:
    first = rows[members[0]]
    if len(members) == 1:
        return Merged(first, members, [True])
    merged = LeadRow(
        first.id, max(rows[m].stamp for m in members), first.source, dict(first.facts), dict(first.flags), first.mak,
        first.broker_id, first.editable_brokers, first.data_key, first.lead_score, first.score_contributions,
        first.upload_id, first.row, first.event_id, _stamps(first),
    )  # fmt: skip
    said_more = [True]
    said_more += [_take_in(merged, rows[member]) for member in members[1:]]
    return Merged(merged, members, said_more)


def _stamps(row: LeadRow) -> dict[str, int]:
    return row.observed or {name: row.stamp for name in FACTS if row.facts.get(name) is not None}


def _take_in(merged: LeadRow, row: LeadRow) -> bool:
    """Merge *row* into *merged*; whether anything changed."""
    held_since = merged.observed = _stamps(merged)
    changed = False
    for name, stamp in _stamps(row).items():
        value, held = row.facts[name], merged.facts.get(name)
        if held is None or (stamp, order(value)) > (held_since[name], order(held)):
            changed = changed or value != held
            merged.facts[name], held_since[name] = value, stamp
    for name in FLAGS:
        if row.flags.get(name) and not merged.flags.get(name):
            merged.flags[name] = changed = True
    if row.mak and not merged.mak:
        merged.mak, changed = row.mak, True
    return changed


def order(value: Any) -> Any:
    """How values of one column compare, as PostgreSQL does it: text by its bytes."""
    return value.encode() if isinstance(value, str) else value


def keys_lost(rows: Iterable[LeadRow], merged: LeadRow) -> list[tuple[str, str]]:
    """Keys of *rows* that the merged row does not carry, as (column, value): they are recorded, never dropped."""
    lost = {
        (name, row.facts[name].hex() if name == "addr_hash" else row.facts[name])
        for row in rows
        for name in ("apn_key", "addr_hash")
        if row.facts.get(name) is not None and row.facts[name] != merged.facts.get(name)
    }
    return sorted(lost)
