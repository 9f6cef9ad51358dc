"""Profiles of files that partners and operators saved, beside those of the product."""

from collections.abc import Iterable

from common.database import Connection
from common.ids import PartnerId
from common.records.file_profile import FileProfile, built_in_profiles, format_profile, parse_profile
from common.web.problems import ProblemError
from gateway.problems import BAD_PROFILE
from gateway.uploads import queries


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


async def save_profile(connection: Connection, partner_id: PartnerId | None, profile: FileProfile) -> FileProfile:
    """Save *profile* for a partner or, for None, for all; return its newest version.

    It is a new version, unless the newest one says the same. Two at the same time are saved one after the other.
    """
    await queries.lock_saved_profiles(connection, name=profile.name)
    newest = await queries.find_newest_profile(connection, partner_id=partner_id, name=profile.name)
    earlier = parse_profile(newest) if newest else None
    saved = profile.as_version_after(earlier)
    if saved != earlier:
        await queries.save_profile(
            connection,
            partner_id=partner_id,
            name=saved.name,
            version=saved.version,
            definition=format_profile(saved),
        )
    return saved
