"""Profiles of files: the columns of one export of a tool, as data.

A profile is a YAML file in `profiles/`, or one that an operator saved. It gives other headers the meaning of an accepted one:

    name: propertyradar
    version: 1
    title: PropertyRadar, list export
    recognised_by:
      - [Radar ID]
      - [Yr Built | Year Built, Purchase Mos Since, Owner Occ?]
    columns:
      Owner: owner names
      Primary Mobile Phone{n}: phone {n} (mobile)
    unused: [Subdivision]
    rules: {name_order: last_first, state: from_zip}

`{n}` stands for 1 to 20, and `{n+20}` for 21 to 40. docs/profiles.md explains each key.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from common.compliance.protective_columns import protection_of
from common.geography.places import STATES
from common.records.headers import (
    REJECT_COLUMNS,
    RELATION,
    REMARKS_PREFIX,
    HeaderMeaning,
    LineType,
    meaning_of_header,
    plain_header,
)

GENERIC = "generic"
"""Name of the profile that knows the accepted headers only."""
NameOrder = Literal["last_first", "first_last"]
MergedGroup = Literal["place", "owner"]

_FOLDER = Path(__file__).with_name("profiles")
_MAX_NUMBER = 20
_ANY_TEXT = "{any}"
_NUMBERED = re.compile(r"\{n(?:\+([0-9]{1,3}))?\}")
_TARGET = re.compile(r"(?P<header>.*?)\s*(?:\((?P<line>mobile|landline|voip)\))?")
_RELATION_TARGET = re.compile(r"relation(?: of person (?P<number>[1-5]))?")
_NAME = r"^[a-z0-9][a-z0-9-]{0,59}$"
PROFILE_NAME = re.compile(_NAME)
NO_FIELD = "ignore"
"""Target of a column from which nothing is read."""
_PROTECTIVE_PREFIXES = (REMARKS_PREFIX, "phones.", "emails.", "do_not_", "litigator", "deceased_owner")


class ProfileError(ValueError):
    """Raised for a profile that cannot be used. The message says why."""


class RowRules(BaseModel):
    """Rules for all rows of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name_order: NameOrder | None = None
    """Order of the names in a cell with the owner's whole name. Without it a name without a comma is kept whole."""
    state: str | None = None
    """State of rows without one: two letters, or `from_zip`."""
    month_first: bool = False
    """Whether dates such as 03-07-2019 begin with the month. Those with slashes always do."""
    fill_down: tuple[MergedGroup, ...] = ()
    """Groups of cells that are merged in the file: where all cells of a group are empty, those above hold."""
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    """For a header, the meaning of a cell by its text, without regard to case: `{CO_NO: {"62": Pinellas}}`."""

    @model_validator(mode="after")
    def _check_state(self) -> Self:
        if self.state not in (None, "from_zip") and self.state not in STATES.values():
            raise ValueError("state: write two letters, such as FL, or from_zip")
        return self


class FileProfile(BaseModel):
    """Profile of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=_NAME)]
    version: Annotated[int, Field(ge=1)] = 1
    title: Annotated[str, Field(min_length=1, max_length=200)]
    recognised_by: tuple[tuple[str, ...], ...] = ()
    """Sets of headers that together no other file has. A file with all headers of one set is of this profile.
    `Owner | Owner Name` is either of two headers."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Accepted header by header of the file. Of several headers of one field, the first with a value counts."""
    unused: tuple[str, ...] = ()
    """Headers of which nothing is read, although they look like accepted ones. `Relative{n}{any}` is `Relative1 Phone` and so on."""
    rules: RowRules = RowRules()

    @field_validator("recognised_by", mode="before")
    @classmethod
    def _take_one_set(cls, value: object) -> object:
        """Take a list of headers as the only set."""
        return [value] if isinstance(value, list) and value and all(isinstance(one, str) for one in value) else value

    @model_validator(mode="after")
    def _check_recognition(self) -> Self:
        headers = [header for choices in self.recognised_by for choice in choices for header in choice.split("|")]
        if not all(self.recognised_by) or not all(map(plain_header, headers)):
            raise ValueError("recognised_by: a set or a header is empty")
        return self

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        meanings = list(self.expand_columns())
        seen: set[str] = set()
        for header, _ in meanings:
            if not plain_header(header):
                raise ValueError(f"columns: {header!r} has neither letters nor digits")
            if plain_header(header) in seen:
                raise ValueError(f"columns: {header} occurs twice")
            seen.add(plain_header(header))
        if both := sorted(header for header in self.columns if self.is_unused(header)):
            raise ValueError(f"{', '.join(both)}: both in columns and in unused")
        if unknown := sorted(header for header in self.rules.values if plain_header(header) not in seen):
            raise ValueError(f"rules.values: {', '.join(unknown)} is not in columns")
        return self

    def expand_columns(self) -> Iterator[tuple[str, HeaderMeaning]]:
        """Yield each header with its meaning. Raises ProfileError for a meaning that does not exist."""
        for header, target in self.expand_targets():
            yield header, read_target(target)

    def expand_targets(self) -> Iterator[tuple[str, str]]:
        """Yield each header with its accepted header, as the profile writes it."""
        for header, target in self.columns.items():
            if _NUMBERED.search(header + target):
                for number in range(1, _MAX_NUMBER + 1):
                    yield _set_number(header, number), _set_number(target, number)
            else:
                yield header, target

    def extend(self, name: str, renamed: Sequence[tuple[str, str]]) -> Self:
        """Return a profile like this one in which *renamed* columns, pairs of header and target, have another meaning.

        Files that have all these columns are recognised.
        """
        plain = {plain_header(header) for header, _ in renamed}
        named = {header: target for header, target in self.columns.items() if plain_header(header) not in plain}
        unused = [header for header in self.unused if plain_header(header) not in plain]
        used = {header: target for header, target in renamed if target != NO_FIELD}
        return type(self)(
            name=name,
            title=f"Saved mapping {name}",
            recognised_by=tuple(
                tuple(dict.fromkeys((*choices, *(header for header, _ in renamed))))
                for choices in self.recognised_by or ((),)
            ),
            columns={**used, **named},
            unused=(*unused, *(header for header, target in renamed if target == NO_FIELD)),
            rules=self.rules,
        )

    def as_version_after(self, earlier: Self | None) -> Self:
        """Return this profile with the version behind *earlier*, or *earlier* itself if both read every file alike."""
        numbered = self.model_copy(update={"version": earlier.version if earlier else 1})
        if earlier is None or numbered == earlier:
            return earlier or numbered
        return self.model_copy(update={"version": earlier.version + 1})

    def count_matches(self, plain_headers: frozenset[str]) -> int:
        """Return the size of the largest set of `recognised_by` that *plain_headers* contain; 0 if the file is of another profile."""
        return max((len(choices) for choices in self._plain_sets if _contains(plain_headers, choices)), default=0)

    def describe_recognition(self) -> list[str]:
        """Return a phrase for each set of `recognised_by`: "Owner or Owner Name, with Folio"."""
        return [
            ", with ".join(" or ".join(map(str.strip, one.split("|"))) for one in choices)
            for choices in self.recognised_by
        ]

    def is_unused(self, header: str) -> bool:
        """Return whether nothing is read from *header*."""
        return any(pattern.fullmatch(header.strip()) for pattern in self._unused_patterns)

    @cached_property
    def _unused_patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(map(_compile_header, self.unused))

    @cached_property
    def _plain_sets(self) -> tuple[tuple[frozenset[str], ...], ...]:
        return tuple(
            tuple(frozenset(map(plain_header, choice.split("|"))) for choice in choices)
            for choices in self.recognised_by
        )


def read_target(text: str) -> HeaderMeaning:
    """Return the meaning of an accepted header, perhaps with a kind of line: `phone 1 (mobile)`. Raises ProfileError."""
    if person := _RELATION_TARGET.fullmatch(text.strip()):
        return HeaderMeaning(RELATION, int(person["number"] or 0))
    found = _TARGET.fullmatch(text.strip())
    meaning = meaning_of_header(found["header"]) if found else None
    if not found or meaning is None:
        raise ProfileError(f"{text!r} is no accepted header: docs/accepted-columns.md lists them")
    line: LineType | None = found["line"]  # type: ignore[assignment]  # one of three words
    if line and meaning.field != "phones":
        raise ProfileError(f"{text!r}: only a phone has a kind of line")
    return meaning._replace(line_type=line) if line else meaning


def split_renamed(pair: str) -> tuple[str, str]:
    """Return column and target of `COLUMN=ACCEPTED HEADER`. Raises ProfileError."""
    header, sign, target = (part.strip() for part in pair.rpartition("="))
    if not (header and sign and target):
        raise ProfileError(f"`{pair[:80]}` is no mapping: write COLUMN=ACCEPTED HEADER")
    return header, target


def read_renamed(renamed: Iterable[tuple[str, str]]) -> Mapping[str, HeaderMeaning | None]:
    """Return the meaning of each renamed column; None for `ignore`. Raises ProfileError.

    A column that forbids contact keeps that meaning: it may only be renamed to another such column.
    """
    meanings: dict[str, HeaderMeaning | None] = {}
    for header, target in renamed:
        meanings[header] = meaning = None if target.lower() == NO_FIELD else read_target(target)
        if protection_of(header) and not (meaning and meaning.field.startswith(_PROTECTIVE_PREFIXES)):
            raise ProfileError(
                f"`{header}` looks as if it forbids contact, so it cannot be read as `{target}`: "
                "map it to a column that forbids contact, such as `Phone 1 DNC` or `Do Not Contact`"
            )
    return meanings


def check_protections(profile: FileProfile) -> None:
    """Raise ProfileError if *profile* takes the meaning from a column that forbids contact, or from its cells."""
    if any(_ANY_TEXT in header for header in profile.unused):
        raise ProfileError(f"unused: only the profiles of the product use {_ANY_TEXT}; name each header")
    if protective := sorted(filter(protection_of, profile.rules.values)):
        raise ProfileError(f"rules.values: {', '.join(protective)} forbids contact, so its cells keep their meaning")
    read_renamed([*profile.expand_targets(), *((header, NO_FIELD) for header in profile.unused)])


def format_profile(profile: FileProfile) -> str:
    """Return *profile* as YAML, which `parse_profile` reads. Characters that would mislead a reader are escaped."""
    body = profile.model_dump(mode="json", exclude_defaults=True)
    text = str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True))
    is_printable = all(line.isprintable() for line in text.split("\n"))
    return text if is_printable else str(yaml.safe_dump(body, sort_keys=False))


@lru_cache(maxsize=256)
def parse_profile(text: str) -> FileProfile:
    """Return the profile in YAML *text*. Raises ProfileError. Saved profiles are read for every upload, so they are cached."""
    try:
        return FileProfile.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError, ProfileError) as error:
        raise ProfileError(_explain(error)) from error


def built_in_profiles() -> Mapping[str, FileProfile]:
    """Return the profiles that the product brings, by name."""
    return _read_built_in_profiles()


@cache
def _read_built_in_profiles() -> Mapping[str, FileProfile]:
    profiles = [parse_profile(file.read_text(encoding="utf-8")) for file in sorted(_FOLDER.glob("*.yaml"))]
    generic = FileProfile(name=GENERIC, title="Any file with accepted headers")
    return {profile.name: profile for profile in (*profiles, generic)}


def recognise_profile(headers: Sequence[str], profiles: Iterable[FileProfile]) -> FileProfile:
    """Return the profile of a file with *headers*: the one recognised by most of them, else the generic one."""
    plain = frozenset(map(plain_header, headers))
    best = max(profiles, key=lambda profile: profile.count_matches(plain), default=None)
    return best if best and best.count_matches(plain) else built_in_profiles()[GENERIC]


def is_column_of_rejects(header: str) -> bool:
    """Return whether our list of rejected rows added the column."""
    return header.strip().lower() in REJECT_COLUMNS


def _contains(plain_headers: frozenset[str], choices: Iterable[frozenset[str]]) -> bool:
    return all(not choice.isdisjoint(plain_headers) for choice in choices)


def _compile_header(text: str) -> re.Pattern[str]:
    """Return the pattern of a header with `{n}` for a number and `{any}` for any text."""
    pattern = re.escape(text.strip()).replace(re.escape("{n}"), "[0-9]+").replace(re.escape(_ANY_TEXT), ".*")
    return re.compile(pattern, re.IGNORECASE)


def _set_number(text: str, number: int) -> str:
    return _NUMBERED.sub(lambda found: str(number + int(found[1] or 0)), text)


def _explain(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'profile'}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors()
    )
