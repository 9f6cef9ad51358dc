"""Mapping of one file: the meaning of each of its columns, and the rules for its rows.

It is resolved once for an upload, from the headers, the profile and the sender's own choices, and stored with the upload. So
all rows of a file are read alike, however often they are published again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict

from common.lead_facts import REQUIRED_FIELDS
from common.records.file_profile import (
    FileProfile,
    RowRules,
    built_in_profiles,
    is_column_of_rejects,
    recognise_profile,
)
from common.records.headers import (
    RELATION,
    REMARKS_PREFIX,
    STREET_OR_ITS_NAME,
    STREET_PARTS,
    HeaderMeaning,
    LineType,
    accepted_headers,
    count_from_one,
    is_unreadable_protection,
    meaning_of_header,
    plain_header,
)
from common.records.nearest_header import find_nearest_header

_CONTACT_PREFIXES = ("phones", "emails", RELATION, REMARKS_PREFIX)
_OWNER_OF_ADDRESS = {
    "property_address": "mailing_address", "property_unit": "mailing_unit", "property_city": "mailing_city",
    "property_state": "mailing_state", "property_zip": "mailing_zip", "county": None,
}  # fmt: skip
"""The field of the owner's address for each part of an address."""
_PREFIXES_OF_PROPERTY = ("input", "property", "prop", "site", "situs", "physical", "phy", "loc")
PLACE_FIELDS = ("property_city", "property_state", "property_zip")
"""Fields of the place that an address lies in."""
_RANK_OF_VOCABULARY = 1_000
"""Columns that a profile names count before those that it does not name."""
_REPEATED = re.compile(r"(.+) \([2-9][0-9]*\)")
"""A name that `common.csv.reader.make_names_unique` made."""


class MappedColumn(BaseModel):
    """Column of a file, and the field that is read from it; None: nothing is read."""

    model_config = ConfigDict(frozen=True)

    header: str
    field: str | None = None
    rank: int = 0
    """Precedence among the columns of the field, where 0 is first; for a contact its number."""
    line_type: LineType | None = None
    is_unused: bool = False
    """Whether the profile says that nothing is read, so that the header is understood."""


@dataclass(frozen=True, slots=True)
class MissingField:
    """Field that every lead needs and no column has."""

    field: str
    accepted: tuple[str, ...]
    nearest: str | None
    """Column of the file whose header is most like an accepted one."""


class FileMapping(BaseModel):
    """Mapping of the columns of one file."""

    model_config = ConfigDict(frozen=True)

    profile: str
    version: int
    columns: tuple[MappedColumn, ...]
    rules: RowRules = RowRules()

    @classmethod
    def resolve(
        cls,
        headers: Sequence[str],
        profile: FileProfile | None = None,
        renamed: Mapping[str, HeaderMeaning | None] | None = None,
    ) -> Self:
        """Resolve the mapping of a file with *headers*, unique names in the order of the file.

        Without *profile* it is recognised. *renamed* gives a column of the file a meaning, or None to read nothing from it.
        """
        profile = profile or recognise_profile(headers, built_in_profiles().values())
        resolved = _resolve_address_sets(_resolve_meanings(headers, profile, renamed or {}))
        resolved = _resolve_whole_addresses(_resolve_street_names(resolved))
        return cls(
            profile=profile.name,
            version=profile.version,
            columns=tuple(_rank_columns(resolved, profile)),
            rules=profile.rules,
        )

    @classmethod
    def from_stored(cls, stored: str | None, headers: Sequence[str]) -> Self:
        """Return the mapping that is stored with an upload. One that an earlier version received has none: it is resolved."""
        return cls.resolve(headers) if stored is None else cls.model_validate_json(stored)

    def columns_of(self, field: str) -> list[str]:
        """Return the headers from which *field* is read, in the order in which they count. `phones` is all phones, as in a report."""
        wanted = {"apn_key": "apn", "zip_of_another_state": "property_zip"}.get(field, field)
        names = (wanted, *_COMBINED_SOURCES.get(wanted, ()))
        used = [one for one in self.columns if one.field and (one.field in names or one.field.startswith(f"{wanted}."))]
        return [one.header for one in sorted(used, key=lambda one: (one.field != wanted, one.rank))]

    def ignored_columns(self) -> list[str]:
        """Return the headers from which no value is read, without those that our list of rejects adds."""
        return [
            column.header
            for column in self.columns
            if column.header and (column.field is None or column.field.startswith(REMARKS_PREFIX))
            if not is_column_of_rejects(column.header)
        ]

    def missing_fields(self) -> list[str]:
        """Return the fields that every lead needs and no column or rule gives."""
        given = {column.field for column in self.columns}
        if "address_line" in given:
            return []
        has_state_of_zip = self.rules.state == "from_zip" and not given.isdisjoint(("property_zip", "place"))
        if "street_name" in given:
            given.add("property_address")
        if "place" in given:
            given.update(PLACE_FIELDS)
        if has_state_of_zip or self.rules.state not in (None, "from_zip"):
            given.add("property_state")
        return [field for field in REQUIRED_FIELDS if field not in given]

    def describe_missing(self, fields: Iterable[str]) -> list[MissingField]:
        """Return for each of *fields* what would do. The search for the nearest column is slow: only a refusal needs it."""
        free = [column.header for column in self.columns if column.header and not _is_used(column)]
        return [MissingField(field, accepted_headers(field), find_nearest_header(field, free)) for field in fields]

    def unreadable_protections(self) -> list[str]:
        """Return the headers that look as if they forbid contact, and that nothing explains. Their file is refused."""
        return [
            column.header
            for column in self.columns
            if column.field is None and not column.is_unused and is_unreadable_protection(column.header)
        ]

    def recognised_count(self) -> int:
        """Return how many columns have a field."""
        return sum(map(_is_used, self.columns))


_COMBINED_SOURCES: Mapping[str, tuple[str, ...]] = {
    "property_address": ("address_line", *STREET_PARTS),
    "property_unit": ("address_line",),
    "property_city": ("place", "address_line"),
    "property_state": ("place", "address_line"),
    "property_zip": ("place", "address_line"),
    "mailing_unit": ("mailing_line_3",),
    "mailing_zip": ("mailing_line", "mailing_place"),
    "lot_sqft": ("lot_acres",),
    "owner_first_name": ("owner_middle_name", "owner_names"),
    "owner_last_name": ("owner_suffix", "owner_names"),
    "owner2_first_name": ("owner2_middle_name", "owner2_name", "owner_names"),
    "owner2_last_name": ("owner2_suffix", "owner2_name", "owner_names"),
    "company_name": ("owner_names",),
}
"""Further columns from which a value of the field may come."""


def find_repeated_headers(mapping: FileMapping) -> list[str]:
    """Return headers with a field that occur more than once in the file: it is not known which of their cells counts.

    `make_names_unique` put a number behind all but the first, so that a repeated header is unknown to the vocabulary.
    """
    known = {column.header for column in mapping.columns if _is_used(column)}
    numbered = (_REPEATED.fullmatch(column.header) for column in mapping.columns)
    return list(dict.fromkeys(found[1] for found in numbered if found and found[1] in known))


def _is_used(column: MappedColumn) -> bool:
    return column.field is not None and not column.field.startswith(REMARKS_PREFIX)


def _resolve_meanings(
    headers: Sequence[str], profile: FileProfile, renamed: Mapping[str, HeaderMeaning | None]
) -> dict[str, HeaderMeaning | None]:
    """Return the meaning of each header: the sender's, the profile's, or that of the vocabulary."""
    chosen = {plain_header(header): meaning for header, meaning in renamed.items()}
    named = {
        plain_header(header): meaning if _is_contact(meaning) else meaning._replace(rank=rank)
        for rank, (header, meaning) in enumerate(profile.expand_columns())
    }
    counted = count_from_one(headers)
    meanings: dict[str, HeaderMeaning | None] = {}
    for header in headers:
        plain = plain_header(header)
        if not plain or is_column_of_rejects(header):
            meanings[header] = None
        elif plain in chosen:
            meaning = chosen[plain]
            meanings[header] = meaning if meaning is None or _is_contact(meaning) else meaning._replace(rank=-1)
        elif plain in named:
            meanings[header] = named[plain]
        elif profile.is_unused(header):
            meanings[header] = None
        else:
            meaning = meaning_of_header(counted.get(header, header))
            is_ranked = meaning is not None and not _is_contact(meaning)
            meanings[header] = (
                meaning._replace(rank=meaning.rank + _RANK_OF_VOCABULARY) if meaning and is_ranked else meaning
            )
    return meanings


def _is_contact(meaning: HeaderMeaning) -> bool:
    return meaning.field.startswith(_CONTACT_PREFIXES)


def _resolve_address_sets(meanings: dict[str, HeaderMeaning | None]) -> dict[str, HeaderMeaning | None]:
    """Give the owner's address its own fields.

    A file with a street of the property (`Property Address`) and a plain one (`Address`) has two sets of columns. The plain set is
    the owner's. One address is never made of columns of both. If the file has a mailing address too, the plain set is not used.
    """
    parts = {name: one for name, one in meanings.items() if one and one.field in _OWNER_OF_ADDRESS}
    of_property = {name for name in parts if plain_header(name).startswith(_PREFIXES_OF_PROPERTY)}
    plain_set = {name for name, one in parts.items() if name not in of_property and _may_be_either(one)}
    streets = {name for name, one in parts.items() if one.field == "property_address"}
    if not (streets & of_property and streets & plain_set):
        return meanings
    has_mailing = any(one and one.field in ("mailing_address", "mailing_line") for one in meanings.values())
    changed = dict(meanings)
    for name in plain_set:
        changed[name] = _with_field(parts[name], None if has_mailing else _OWNER_OF_ADDRESS[parts[name].field])
    return changed


def _resolve_street_names(meanings: dict[str, HeaderMeaning | None]) -> dict[str, HeaderMeaning | None]:
    """Read `Street` as the name of a street where the file has a column for house numbers, and none for whole streets or names."""
    fields = {one.field for one in meanings.values() if one}
    streets = {name for name, one in meanings.items() if one and one.field == "property_address"}
    if "street_number" not in fields or "street_name" in fields:
        return meanings
    if not all(plain_header(name) in STREET_OR_ITS_NAME for name in streets):
        return meanings
    return {
        name: one._replace(field="street_name") if one and name in streets else one for name, one in meanings.items()
    }


def _may_be_either(meaning: HeaderMeaning) -> bool:
    """Return whether only the vocabulary gave the header its meaning: a profile or a sender that names it is right."""
    return meaning.rank >= _RANK_OF_VOCABULARY


def _resolve_whole_addresses(meanings: dict[str, HeaderMeaning | None]) -> dict[str, HeaderMeaning | None]:
    """Read whole addresses from the street's column where the file has no column for city, state and ZIP code.

    Parts of a street are not read where the file has a column with the whole street.
    """
    fields = {one.field for one in meanings.values() if one}
    whole: dict[str, str | None] = {}
    if not fields & {*PLACE_FIELDS, "address_line", "place"}:
        whole["property_address"] = "address_line"
    if fields & {"property_address", "address_line"}:
        whole |= dict.fromkeys(STREET_PARTS)
    if not fields & {"mailing_city", "mailing_state", "mailing_zip", "mailing_line", "mailing_place"}:
        whole["mailing_address"] = "mailing_line"
    return {name: _with_field(one, whole.get(one.field, one.field)) if one else None for name, one in meanings.items()}


def _with_field(meaning: HeaderMeaning, field: str | None) -> HeaderMeaning | None:
    return meaning._replace(field=field) if field else None


def _rank_columns(meanings: Mapping[str, HeaderMeaning | None], profile: FileProfile) -> list[MappedColumn]:
    """Return the columns in the order of the file, those of one field numbered by their precedence."""
    ranked: dict[str, int] = {}
    next_rank: Counter[str] = Counter()
    for header, meaning in sorted(
        ((header, one) for header, one in meanings.items() if one and not _is_contact(one)),
        key=lambda pair: pair[1].rank,
    ):
        ranked[header] = next_rank[meaning.field]
        next_rank[meaning.field] += 1
    return [
        MappedColumn(
            header=header,
            field=one and one.field,
            rank=ranked.get(header, one.rank if one else 0),
            line_type=one and one.line_type,
            is_unused=one is None and profile.is_unused(header),
        )
        for header, one in meanings.items()
    ]
