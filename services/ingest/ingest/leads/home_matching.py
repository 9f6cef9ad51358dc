"""The records of a batch that describe one home, found by their keys: MAK, parcel key, address hash.

Records are joined over their keys, strongest first. A weaker key never joins records whose stronger keys differ: one
mixed-up row must not fuse two homes. A parcel number at two addresses joins only records that share an owner (ADR 30).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from common.pii.owner_words import Words, owners_of, share_an_owner
from ingest.leads.lead_row import LeadRow

MAX_KEY_VARIANTS = 8
"""Variants of one home with different keys that go to the database one by one; the keys of further records are lost."""
MAX_ADDRESSES_PER_PARCEL = 50
"""A parcel number at more addresses in one batch joins nothing."""

_MAK, _APN, _ADDRESS = range(3)
"""Levels of keys, strongest first."""

RowKeys = tuple[list[Any], list[Any], list[Any]]


def find_homes(rows: Sequence[LeadRow]) -> list[list[int]]:
    """Return the positions of the rows of each home and key variant, in the order in which the database gets them.

    Rows of one home with different keys stay apart, because only the database knows which of the keys is free. Rows whose
    parcel number other homes claim come last, so that a mixed-up row does not take it from the home that has no other.
    """
    keys = _keys_by_level(rows)
    if _are_keys_unique(keys):
        return [[position] for position in range(len(rows))]
    homes: dict[int, list[int]] = {}
    parents = _join_rows(rows, keys)
    for position in range(len(rows)):
        homes.setdefault(_find_root(parents, position), []).append(position)
    variants = [_split_by_keys(rows, members) for members in homes.values()]
    contested = _find_contested(rows, variants)
    return sorted((members for home in variants for members in home), key=lambda members: members[0] in contested)


def _keys_by_level(rows: Sequence[LeadRow]) -> RowKeys:
    """Return the keys of all rows, strongest first. Within a batch, rows of different brokers never are one home."""
    return (
        [row.mak and (row.mak, row.broker_id) for row in rows],
        [row.facts.get("apn_key") and (row.facts["apn_key"], row.broker_id) for row in rows],
        [row.facts.get("addr_hash") and (row.facts["addr_hash"], row.broker_id) for row in rows],
    )


def _are_keys_unique(keys: RowKeys) -> bool:
    """Return whether no two rows share a key, as in the usual batch."""
    for keys_of_level in keys:
        present = [key for key in keys_of_level if key is not None]
        if len(set(present)) < len(present):
            return False
    return True


def _split_by_keys(rows: Sequence[LeadRow], members: list[int]) -> list[list[int]]:
    """Split the rows of a home into variants that agree in their keys."""
    variants: list[tuple[dict[str, Any], list[int]]] = []
    for member in members:
        keys = {name: rows[member].facts[name] for name in ("apn_key", "addr_hash") if rows[member].facts.get(name)}
        for variant_keys, positions in variants:
            if all(variant_keys.get(name, key) == key for name, key in keys.items()):
                variant_keys.update(keys)
                positions.append(member)
                break
        else:
            if len(variants) < MAX_KEY_VARIANTS:
                variants.append((keys, [member]))
            else:
                variants[-1][1].append(member)
    return [positions for _, positions in variants]


def _find_contested(rows: Sequence[LeadRow], homes: Sequence[list[list[int]]]) -> set[int]:
    """Return the first rows of variants whose parcel number another home claims, while their own home has another one."""
    claims: dict[str, set[int]] = {}
    for number, home in enumerate(homes):
        for members in home:
            for member in members:
                if key := rows[member].facts.get("apn_key"):
                    claims.setdefault(key, set()).add(number)
    contested = {key for key, claimants in claims.items() if len(claimants) > 1}
    return {
        members[0]
        for home in homes
        if len(home) > 1
        for members in home
        if any(rows[member].facts.get("apn_key") in contested for member in members)
    }


@dataclass(slots=True)
class _Home:
    """The keys and owners of rows that were joined so far."""

    keys: tuple[set[Any], set[Any], set[Any]]
    owners: list[Words] | None
    """None until they are needed: few rows share a parcel number."""
    rows: list[LeadRow]

    def named_owners(self) -> list[Words]:
        """Return every owner that a row of this home names."""
        if self.owners is None:
            self.owners = list({words for row in self.rows for words in owners_of(row.facts)})
        return self.owners

    def absorb(self, other: "_Home") -> None:
        """Add the rows of *other*."""
        for own_keys, other_keys in zip(self.keys, other.keys, strict=True):
            own_keys.update(other_keys)
        self.rows += other.rows
        self.owners = None


def _join_rows(rows: Sequence[LeadRow], all_keys: RowKeys) -> list[int]:
    """Return the parent of each row in a forest (union-find) whose trees are the homes."""
    parents = list(range(len(rows)))
    homes = [_home_of(row, keys) for row, *keys in zip(rows, *all_keys, strict=True)]
    for level, keys in enumerate(all_keys):
        positions_by_key: dict[Any, list[int]] = {}
        for position, key in enumerate(keys):
            if key is not None:
                positions_by_key.setdefault(key, []).append(position)
        for positions in positions_by_key.values():
            if len(positions) > 1:
                # Rows that agree with others on a stronger key lead, so that the order of arrival does not decide.
                positions.sort(key=lambda position: tuple(repr(level_keys[position]) for level_keys in all_keys))
                _join_homes(parents, homes, level, positions)
    return parents


def _home_of(row: LeadRow, keys: Sequence[Any]) -> _Home:
    mak, apn_key, addr_hash = ({key} if key else set() for key in keys)
    return _Home((mak, apn_key, addr_hash), None, [row])


def _join_homes(parents: list[int], homes: list[_Home], level: int, positions: list[int]) -> None:
    """Join the homes of *positions*, which share a key of *level*, until no two more are compatible."""
    roots = list(dict.fromkeys(_find_root(parents, position) for position in positions))
    if level == _APN:
        addresses = {addr_hash for root in roots for addr_hash in homes[root].keys[_ADDRESS]}
        if len(addresses) > MAX_ADDRESSES_PER_PARCEL:
            return
    separate: list[int] = []
    for root in roots:
        home = root
        # A home that has grown may now be compatible with one that it was not compatible with before.
        while (other := _first_compatible(homes, separate, home, level)) is not None:
            separate.remove(other)
            kept, absorbed = sorted((home, other))
            parents[absorbed] = kept
            homes[kept].absorb(homes[absorbed])
            home = kept
        separate.append(home)


def _first_compatible(homes: list[_Home], candidates: list[int], home: int, level: int) -> int | None:
    return next((one for one in candidates if _are_compatible(homes[one], homes[home], level)), None)


def _are_compatible(first: _Home, second: _Home, level: int) -> bool:
    """Return whether two homes that share a key of *level* may be one.

    Their stronger keys must agree. Homes that share only a parcel number need the same address or a common owner, too.
    """
    if any(len(first.keys[stronger] | second.keys[stronger]) > 1 for stronger in range(level)):
        return False
    if level != _APN or (first.keys[_MAK] and second.keys[_MAK]):
        return True
    first_addresses, second_addresses = first.keys[_ADDRESS], second.keys[_ADDRESS]
    return (
        not first_addresses
        or not second_addresses
        or not first_addresses.isdisjoint(second_addresses)
        or share_an_owner(first.named_owners(), second.named_owners())
    )


def _find_root(parents: list[int], position: int) -> int:
    while parents[position] != position:
        parents[position] = parents[parents[position]]
        position = parents[position]
    return position
