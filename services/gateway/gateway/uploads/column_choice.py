"""Choice of a file's profile and columns, as a request or a partner makes it.

POST /v1/uploads?profile=assessor&map=SITUS_ADDR=address&save_profile=pinellas
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from multidict import MultiMapping

from common.bus import Tx
from common.database import Connection
from common.ids import PartnerId
from common.records.file_profile import (
    PROFILE_NAME,
    FileProfile,
    ProfileError,
    built_in_profiles,
    format_profile,
    parse_profile,
    read_renamed,
)
from common.records.file_reading import FileForm
from common.records.headers import HeaderMeaning
from common.web.problems import ProblemError
from gateway.problems import BAD_PROFILE
from gateway.uploads import queries

MAX_RENAMED_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Choice of how the columns of a file are read."""

    profile: str | None = None
    renamed: tuple[tuple[str, str], ...] = ()
    """Column of the file, and the accepted header that it stands for; `ignore` reads nothing from it."""
    save_as: str | None = None
    """Name under which the choice is saved for the partner."""

    @classmethod
    def from_query(cls, query: MultiMapping[str]) -> Self:
        """Return the choice in the query of a request. Raises ProblemError if it cannot be read."""
        profile, save_as = query.get("profile"), query.get("save_profile")
        for name in filter(None, (profile, save_as)):
            if not PROFILE_NAME.fullmatch(name):
                raise ProblemError(BAD_PROFILE, "A profile's name has small letters, digits and dashes, at most 60.")
        if save_as in built_in_profiles():
            raise ProblemError(BAD_PROFILE, f"`{save_as}` is a profile of the product. Save yours under another name.")
        pairs = query.getall("map", [])
        if len(pairs) > MAX_RENAMED_COLUMNS:
            raise ProblemError(BAD_PROFILE, f"At most {MAX_RENAMED_COLUMNS} columns can be mapped.")
        choice = cls(profile, tuple(_split_pair(pair) for pair in pairs), save_as)
        choice.meanings()
        return choice

    def meanings(self) -> Mapping[str, HeaderMeaning | None]:
        """Return the meaning of each renamed column. Raises ProblemError."""
        try:
            return read_renamed(self.renamed)
        except ProfileError as error:
            raise ProblemError(BAD_PROFILE, f"{error}.") from error


def _split_pair(pair: str) -> tuple[str, str]:
    header, sign, target = pair.rpartition("=")
    if not (sign and header.strip() and target.strip()):
        raise ProblemError(BAD_PROFILE, f"`{pair[:80]}` is no mapping. Write COLUMN=ACCEPTED HEADER.")
    return header.strip(), target.strip()


async def choose_profile(
    connection: Connection, partner_id: PartnerId, name: str | None
) -> tuple[FileProfile | None, Iterable[FileProfile]]:
    """Return the profile of *name*, and those among which one is recognised where *name* is None.

    Raises ProblemError for an unknown name.
    """
    saved = [parse_profile(text) for text in await queries.list_saved_profiles(connection, partner_id=partner_id)]
    profiles = {**built_in_profiles(), **{profile.name: profile for profile in saved}}
    if name is None:
        return None, profiles.values()
    if name not in profiles:
        raise ProblemError(
            BAD_PROFILE,
            f"There is no profile `{name}`. Known: {', '.join(sorted(profiles))}.",
            {"known": sorted(profiles)},
        )
    return profiles[name], profiles.values()


async def save_profile(tx: Tx, partner_id: PartnerId, choice: ColumnChoice, form: FileForm) -> None:
    """Save the choice as a profile of the partner, unless its newest version says the same."""
    if choice.save_as is None:
        return
    saved = [parse_profile(text) for text in await queries.list_saved_profiles(tx.connection, partner_id=partner_id)]
    earlier = next((profile for profile in reversed(saved) if profile.name == choice.save_as), None)
    profile = form.profile.extend(choice.save_as, earlier.version + 1 if earlier else 1, choice.renamed)
    if earlier and earlier.has_same_meaning(profile):
        return
    await queries.save_profile(
        tx.connection,
        partner_id=partner_id,
        name=profile.name,
        version=profile.version,
        definition=format_profile(profile),
    )
