"""Profiles of files: the columns of each tool's export."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.client.file_check import print_file_check
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import Connection, run_in_transaction
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_done, print_json, print_rows
from common.ids import PartnerId
from common.records.file_check import FileChecker
from common.records.file_profile import (
    FileProfile,
    ProfileError,
    built_in_profiles,
    check_protections,
    format_profile,
    parse_profile,
)
from common.records.file_reading import UnusableFileError, read_file_form
from gateway.commands import command_queries as queries
from gateway.commands.partners import find_partner_id
from gateway.uploads.saved_profiles import save_profile

app = new_app(
    "Profiles of files: how the columns of each tool's export are read.",
    panel="Leads in",
    summary="Profiles of files: list, show, add, test.",
    order=40,
)

PartnerOption = Annotated[
    str | None,
    typer.Option(metavar="PARTNER", parser=inputs.parse_name_or_id, help="Only for this partner: id or name."),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The profile's name.")]

_COLUMNS = {"name": "name", "version": "version", "of": "of", "title": "title"}


@dataclass(frozen=True, slots=True)
class KnownProfile:
    """Profile of the product, or a saved one."""

    of: str
    """`product`, `all partners`, or the name of the partner."""
    profile: FileProfile


@app.command("list")
def list_profiles(partner: PartnerOption = None, *, as_json: AsJson = False) -> None:
    """List the profiles of the product and the saved ones, each in its newest version. `show` says what recognises a file."""
    rows = [
        {
            "name": known.profile.name,
            "version": known.profile.version,
            "of": known.of,
            "title": known.profile.title,
            "recognised_by": known.profile.describe_recognition(),
        }
        for known in _read_profiles(partner)
    ]
    print_rows(rows, _COLUMNS, as_json=as_json, empty="No profiles.", first=("name", "of", "version", "title"))


@app.command("show")
def show_profile(name: NameArgument, partner: PartnerOption = None, *, as_json: AsJson = False) -> None:
    """Show a profile as YAML, to be copied and changed."""
    profile = _find_profile(name, partner)
    if as_json:
        print_json(profile.model_dump(mode="json"))
    else:
        typer.echo(format_profile(profile), nl=False)


@app.command("add")
def add_profile(
    file: Annotated[
        Path, typer.Argument(metavar="PROFILE.yaml", parser=inputs.parse_readable_file, help="The profile as YAML.")
    ],
    partner: PartnerOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Save a profile, for all partners or one. The same name again makes a new version; earlier uploads keep theirs."""
    profile = _read_file(file)
    if profile.name in built_in_profiles():
        raise CommandRefusedError(
            f"`{profile.name}` is a profile of the product.",
            "Give yours another name; `equity profiles show` copies one.",
        )

    async def work(connection: Connection) -> FileProfile:
        owner = await find_partner_id(connection, partner) if partner else None
        return await save_profile(connection, owner, profile)

    saved = run_in_transaction(work, service="gateway")
    print_done(
        f"Profile {saved.name}, version {saved.version}, is used from now on. Try it: equity profiles test FILE.csv",
        {"name": saved.name, "version": saved.version},
        as_json=as_json,
    )


@app.command("test")
def check_with_profile(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", parser=inputs.parse_readable_file, help="A file to read.")
    ],
    profile: Annotated[
        str | None,
        typer.Option(metavar="PROFILE", help="A profile's name, or a file with one; default: recognised."),
    ] = None,
    partner: PartnerOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Read a file by a profile on this machine, and show what becomes of its columns and rows. Nothing is stored."""
    known = None if profile and _is_file(profile) else [one.profile for one in _read_profiles(partner)]
    chosen = _read_file(Path(profile)) if profile and known is None else None
    if profile and known is not None:
        chosen = _choose(profile, known)
    try:
        form = read_file_form(file, chosen, profiles=known)
    except UnusableFileError as error:
        raise CommandRefusedError(f"{file} would be refused: {error.detail}") from error
    print_file_check(FileChecker(form, datetime.now(UTC).date()).check(file), as_json=as_json)


@app.command("default")
def set_default_profile(
    partner: Annotated[
        str, typer.Argument(metavar="PARTNER", parser=inputs.parse_name_or_id, help="The partner: id or name.")
    ],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The profile's name.")] = None,
    *,
    none: Annotated[bool, typer.Option("--none", help="No default: profiles are recognised.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set the profile of a partner's uploads that name none."""
    if (name is None) != none:
        raise UsageError("Name a profile, or --none.", "`equity profiles list` shows them.")
    if name is not None:
        _find_profile(name, partner)

    async def work(connection: Connection) -> PartnerId:
        owner = await find_partner_id(connection, partner)
        await queries.set_default_profile(connection, partner_id=owner, name=name)
        return owner

    owner = run_in_transaction(work, service="gateway")
    done = (
        f"Uploads of {partner} that name no profile are read as {name}."
        if name
        else f"{partner} has no default profile."
    )
    print_done(done, {"partner_id": owner, "default_profile": name}, as_json=as_json)


def _read_profiles(partner: str | None) -> list[KnownProfile]:
    """Return the profiles of the product and the saved ones: of all partners, and of *partner* or, without one, of each."""

    async def work(connection: Connection) -> list[KnownProfile]:
        owner = await find_partner_id(connection, partner) if partner else None
        rows = await queries.list_profiles(connection, partner_id=owner)
        return [KnownProfile(row.partner or "all partners", parse_profile(row.definition)) for row in rows]

    built_in = [KnownProfile("product", profile) for profile in built_in_profiles().values()]
    return built_in + run_in_transaction(work, service="gateway")


def _find_profile(name: str, partner: str | None) -> FileProfile:
    return _choose(name, [known.profile for known in _read_profiles(partner)])


def _choose(name: str, profiles: list[FileProfile]) -> FileProfile:
    found = [profile for profile in profiles if profile.name == name]
    if not found:
        raise UsageError(f"There is no profile {name!r}.", "`equity profiles list` shows them.")
    return found[-1]


def _is_file(text: str) -> bool:
    return text.endswith((".yaml", ".yml"))


def _read_file(file: Path) -> FileProfile:
    try:
        profile = parse_profile(file.read_text(encoding="utf-8"))
        check_protections(profile)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    except (ProfileError, UnicodeDecodeError) as error:
        raise CommandRefusedError(f"{file} is no profile: {error}.", "docs/profiles.md explains each key.") from error
    return profile
