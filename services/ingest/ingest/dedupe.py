"""Records of one home in one batch become one, before the database sees them.

Records are joined over their keys, strongest first, and a weaker key never joins records whose stronger keys differ: one
mixed-up row must not fuse two homes. A parcel number at two addresses joins only records that share an owner (ADR-0030).

Facts are then chosen column by column by the rule that `pipeline.wins` has in SQL: the later observation, then the higher source
rank, then the larger value. Arrival does not count. Columns that mean something only together are chosen together (ADR-0031).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ingest.owners import Words, owners_of, share_an_owner

FACTS = (
    "property_address", "property_unit", "property_city", "property_state", "property_zip", "county", "fips", "apn",
    "owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name", "mailing_address",
    "mailing_unit", "mailing_city", "mailing_state", "mailing_zip", "property_type", "bedrooms", "bathrooms", "building_sqft",
    "lot_sqft", "year_built", "owner_occupied", "vacant", "est_value", "est_equity", "est_ltv", "open_loans",
    "open_loan_balance", "last_sale_date", "last_sale_amount", "apn_key", "addr_hash",
)  # fmt: skip
"""The columns that are chosen, in the order of `pipeline.leads_staging` and of `leads.observed`."""
GROUPS = (
    ("apn_key", "apn"),
    ("addr_hash", "property_address", "property_unit", "property_city", "property_state", "property_zip"),
    ("fips", "county"),
)
"""Columns that come from one record: a key, and the values that are shown for it."""
_GROUPED = frozenset(name for group in GROUPS for name in group)
FLAGS = ("deceased_owner", "do_not_mail", "litigator")
"""Columns that stay true once any record says so."""

SOURCE_RANKS = {"melissa": 8, "batchdata": 6, "upstream": 5, "propstream": 4, "legacy": 1}
DEFAULT_RANK = 3
MAX_VARIANTS = 8
"""Records of one home with different keys that go to the database one by one; of further ones the keys count as lost."""
MAX_ADDRESSES_OF_PARCEL = 50
"""A parcel number at more addresses in one batch joins nothing."""
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
    """Merge the rows of each home that agree in their keys. Members and their verdicts stay in input order.

    Rows of one home with different keys stay apart: only the database knows which of the keys is free. Those whose parcel number
    other homes claim go last, so that a mixed-up row does not take it from the home that has no other.
    """
    if _all_differ(rows):
        return [Merged(row, [place], [True]) for place, row in enumerate(rows)]
    homes: dict[int, list[int]] = {}
    parents = _join(rows)
    for place in range(len(rows)):
        homes.setdefault(_find(parents, place), []).append(place)
    variants = [_variants(rows, members) for members in homes.values()]
    doubtful = _doubtful(rows, variants)
    ordered = sorted((members for home in variants for members in home), key=lambda members: members[0] in doubtful)
    return [_merge(rows, members) for members in ordered]


def _variants(rows: Sequence[LeadRow], members: list[int]) -> list[list[int]]:
    """The rows of a home, apart where their keys differ."""
    variants: list[tuple[dict[str, Any], list[int]]] = []
    for member in members:
        keys = {name: rows[member].facts[name] for name in ("apn_key", "addr_hash") if rows[member].facts.get(name)}
        for held, places in variants:
            if all(held.get(name, key) == key for name, key in keys.items()):
                held.update(keys)
                places.append(member)
                break
        else:
            if len(variants) < MAX_VARIANTS:
                variants.append((keys, [member]))
            else:
                variants[-1][1].append(member)
    return [places for _, places in variants]


def _doubtful(rows: Sequence[LeadRow], homes: Sequence[list[list[int]]]) -> set[int]:
    """First rows of variants whose parcel number another home claims, too, while their own home has another one."""
    claims: dict[str, set[int]] = {}
    for number, home in enumerate(homes):
        for members in home:
            for member in members:
                if key := rows[member].facts.get("apn_key"):
                    claims.setdefault(key, set()).add(number)
    return {
        members[0]
        for home in homes
        if len(home) > 1
        for members in home
        if any(len(claims.get(rows[member].facts.get("apn_key") or "", ())) > 1 for member in members)
    }


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


@dataclass(slots=True)
class _Home:
    """The keys and owners of rows that were joined so far."""

    keys: tuple[set[Any], set[Any], set[Any]]
    owners: list[Words] | None
    """None until they are asked for: few rows share a parcel number."""
    rows: list[LeadRow]

    def owners_named(self) -> list[Words]:
        """Every owner that a row of this home names."""
        if self.owners is None:
            self.owners = list({words for row in self.rows for words in owners_of(row.facts)})
        return self.owners

    def take_in(self, other: "_Home") -> None:
        """Add the rows of *other*."""
        for mine, theirs in zip(self.keys, other.keys, strict=True):
            mine.update(theirs)
        self.rows += other.rows
        self.owners = None


_APN, _ADDRESS = 1, 2


def _join(rows: Sequence[LeadRow]) -> list[int]:
    parents = list(range(len(rows)))
    all_keys = _keys(rows)
    homes = [
        _Home(tuple({key} if key else set() for key in keys), None, [row])  # type: ignore[arg-type]
        for row, *keys in zip(rows, *all_keys, strict=True)
    ]
    for level, keys in enumerate(all_keys):
        members: dict[Any, list[int]] = {}
        for place, key in enumerate(keys):
            if key is not None:
                members.setdefault(key, []).append(place)
        for places in members.values():
            if len(places) > 1:
                # Rows that agree with others on a stronger key lead, so that the order of arrival does not decide.
                _unite(parents, homes, level, sorted(places, key=lambda p: tuple(repr(k[p]) for k in all_keys)))
    return parents


def _unite(parents: list[int], homes: list[_Home], level: int, places: list[int]) -> None:
    """Join the homes of *places*, which share a key of *level*, as far as they fit; until no two more do."""
    roots = list(dict.fromkeys(_find(parents, place) for place in places))
    if (
        level == _APN
        and len({hashed for root in roots for hashed in homes[root].keys[_ADDRESS]}) > MAX_ADDRESSES_OF_PARCEL
    ):
        return
    apart: list[int] = []
    for root in roots:
        home = root
        # A home that has grown may now fit with one that it did not fit with before.
        while (other := next((one for one in apart if _fit(homes[one], homes[home], level)), None)) is not None:
            apart.remove(other)
            kept, gone = sorted((home, other))
            parents[gone] = kept
            homes[kept].take_in(homes[gone])
            home = kept
        apart.append(home)


def _fit(first: _Home, second: _Home, level: int) -> bool:
    """Whether two homes that share a key of *level* agree in the stronger ones, and are not just one parcel number's."""
    if any(len(first.keys[stronger] | second.keys[stronger]) > 1 for stronger in range(level)):
        return False
    if level != _APN or (first.keys[0] and second.keys[0]):
        return True
    ours, theirs = first.keys[_ADDRESS], second.keys[_ADDRESS]
    return (
        not ours
        or not theirs
        or not ours.isdisjoint(theirs)
        or share_an_owner(first.owners_named(), second.owners_named())
    )


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
    stamps, changed = _stamps(row), False
    for name, stamp in stamps.items():
        if name in _GROUPED:
            continue
        value, held = row.facts[name], merged.facts.get(name)
        if held is None or (stamp, order(value)) > (held_since[name], order(held)):
            changed = changed or value != held
            merged.facts[name], held_since[name] = value, stamp
    changed = _take_in_groups(merged, row, stamps) or changed
    for name in FLAGS:
        if row.flags.get(name) and not merged.flags.get(name):
            merged.flags[name] = changed = True
    if row.mak and not merged.mak:
        merged.mak, changed = row.mak, True
    return changed


def _take_in_groups(merged: LeadRow, row: LeadRow, stamps: dict[str, int]) -> bool:
    """Take over whole groups of columns that rank above those of *merged*; whether a value changed."""
    held_since, changed = _stamps(merged), False
    for names in GROUPS:
        if rank_of_group(row.facts, stamps, names) <= rank_of_group(merged.facts, held_since, names):
            continue
        for name in names:
            changed = changed or row.facts.get(name) != merged.facts.get(name)
            merged.facts[name] = row.facts.get(name)
            held_since.pop(name, None)
            if name in stamps:
                held_since[name] = stamps[name]
    merged.observed = held_since
    return changed


def rank_of_group(facts: dict[str, Any], stamps: dict[str, int], names: tuple[str, ...]) -> tuple[Any, ...]:
    """How the columns *names* compare with those of another record: with a key before without, then by stamp, then by value."""
    present = [stamps[name] for name in names if name in stamps]
    values = tuple((facts.get(name) is not None, order(facts.get(name)) or b"") for name in names)
    return facts.get(names[0]) is not None, max(present, default=0), values


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
