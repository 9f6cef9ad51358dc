"""Choice of a file's profile and columns, as a request or a partner makes it.

POST /v1/uploads?profile=assessor&map=SITUS_ADDR=address&save_profile=pinellas
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from multidict import MultiMapping

from common.records.file_profile import PROFILE_NAME, ProfileError, built_in_profiles, read_renamed, split_renamed
from common.records.headers import HeaderMeaning
from common.web.problems import ProblemError
from gateway.problems import BAD_PROFILE

MAX_RENAMED_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Choice of how the columns of a file are read."""

    profile: str | None
    renamed: Sequence[tuple[str, str]]
    """Column of the file, and the accepted header that it stands for; `ignore` reads nothing from it."""
    meanings: Mapping[str, HeaderMeaning | None]
    """Meaning of each renamed column."""
    save_as: str | None
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
        try:
            renamed = tuple(map(split_renamed, pairs))
            return cls(profile, renamed, read_renamed(renamed), save_as)
        except ProfileError as error:
            raise ProblemError(BAD_PROFILE, f"{error}.") from error
