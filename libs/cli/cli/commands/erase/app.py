"""`equity erase`: deletes what is known about a person, and keeps the person away (docs/runbooks/erase-request.md)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.commands.erase import queries
from cli.commands.erase.erasure import ErasureRequest, RemainingHash, describe_leads, erase_person, id_of_value
from cli.commands.erase.erasure_list import ListedErasure, read_erasures, read_list
from cli.commands.erase.matching import PersonTraits, build_traits, names_any
from cli.commands.erase.queries import ErasedPerson, Person
from cli.commands.leads.access import LoggedAccess
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.confirmation import YesOption, require_text, require_yes
from cli.shell.database import OPERATOR, Connection, connect, run_in_transaction, service_dsn
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_json, print_message, print_rows, to_fields
from cli.shell.personal_texts import SearchedTexts, empty_texts
from cli.shell.settings import CliSettings
from common.ids import LeadId
from common.pii.contact_values import email_address, phone_number
from common.pii.keyring import Keyring

app = new_app(panel="Leads", summary="Erase a person: delete what is known, and keep the person away.", order=70)

STAYS = (
    "What stays for five years (16 CFR 310.5): the proof of consents, suppressions and decisions, as keyed hashes. "
    "Backups, Kafka's topics and Instantly's inbox: docs/runbooks/erase-request.md"
)
_LEAD_COLUMNS = {"id": "lead", "property": "property", "owner": "owner", "status": "status"}
_LIST_COLUMNS = {"id": "erasure", "lead_id": "lead", "at": "at", "actor": "by", "reason": "why"}


@dataclass(frozen=True, slots=True)
class Target:
    """Persons to erase: leads, and addresses or numbers that no lead has, as channel and keyed hash."""

    persons: tuple[Person, ...]
    traits: tuple[PersonTraits, ...]
    values: tuple[tuple[str, bytes], ...] = ()
    listed: tuple[ListedErasure, ...] = ()


@app.command("erase")
def erase(
    lead: Annotated[
        UUID | None, typer.Argument(metavar="LEAD", parser=inputs.parse_uuid, help="The lead's id.")
    ] = None,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="All leads with this email address.")] = None,
    phone: Annotated[str | None, typer.Option(metavar="NUMBER", help="All leads with this number.")] = None,
    reason: Annotated[
        str | None,
        typer.Option(metavar="TEXT", parser=inputs.parse_note, help="Why; kept in the access log. No personal data."),
    ] = None,
    repeat: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=inputs.parse_readable_file, help="Repeat the erasures of a list, after a restore."
        ),
    ] = None,
    *,
    show_list: Annotated[bool, typer.Option("--list", help="List the erasures; with --json for --repeat.")] = False,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person for good: names, addresses, contacts and texts. Later records of the person are refused.

    Run it again if it was interrupted. It needs the logins of all services, or DATABASE_DIRECT_URL.
    """
    if sum((lead is not None, email is not None, phone is not None, repeat is not None, show_list)) != 1:
        raise UsageError("Who is to be erased?", "Give one of: LEAD, --email, --phone, --repeat FILE, --list.")
    if show_list:
        _print_list(as_json=as_json)
        return
    keyring = Keyring.from_settings(CliSettings())
    find = partial(_find_target, keyring=keyring, lead=lead, email=email, phone=phone, repeat=repeat)
    target = run_in_transaction(find, service=OPERATOR)
    _confirm(target, yes=yes, as_json=as_json)
    why = require_text("Reason", reason, "--reason")
    _report(*asyncio.run(_erase_target(target, why, keyring)), as_json=as_json)


def _print_list(*, as_json: bool) -> None:
    erasures = run_in_transaction(read_erasures, service=OPERATOR)
    if as_json:
        print_json([erasure.model_dump(mode="json") for erasure in erasures])
    else:
        rows = [erasure.model_dump(exclude={"hashes"}) for erasure in erasures]
        print_rows(rows, _LIST_COLUMNS, as_json=False, empty="No person was erased.", first=("id", "at"))


async def _find_target(
    connection: Connection,
    *,
    keyring: Keyring,
    lead: UUID | None,
    email: str | None,
    phone: str | None,
    repeat: Path | None,
) -> Target:
    """Return the persons to erase. Raises UsageError for a value that is none, CommandRefusedError for an unknown lead."""
    if repeat is not None:
        listed = read_list(repeat)
        lead_ids = [LeadId(one.lead_id) for one in listed if one.lead_id]
        target = await _read_target(connection, lead_ids)
        values = [bytes.fromhex(kept.hash) for one in listed for kept in one.hashes if kept.kind in ("email", "phone")]
        return Target(target.persons, (*target.traits, build_traits(values, [], None, None)), listed=tuple(listed))
    if lead is not None:
        target = await _read_target(connection, [LeadId(lead)])
        if not target.persons:
            raise CommandRefusedError(f"There is no lead {lead}.", "`equity leads find` searches for one.")
        return target
    channel, value = _read_value(email, phone)
    value_hash = keyring.hash_contact(value)
    lead_ids = await queries.find_leads_with_value(connection, channel=channel, value_hash=value_hash)
    target = await _read_target(connection, lead_ids)
    traits = build_traits([value_hash], [], None, None)
    return Target(target.persons, (*target.traits, traits), () if lead_ids else ((channel, value_hash),))


def _read_value(email: str | None, phone: str | None) -> tuple[str, str]:
    if email is not None and (address := email_address(email)):
        return "email", address
    if phone is not None and (number := phone_number(phone)):
        return "phone", number
    raise UsageError("This is not an email address or a phone number of the United States.")


async def _read_target(connection: Connection, lead_ids: Sequence[LeadId]) -> Target:
    persons = await queries.read_persons(connection, lead_ids=lead_ids)
    hashes: dict[LeadId, list[bytes]] = {}
    for value in await queries.list_values(connection, lead_ids=lead_ids):
        hashes.setdefault(value.lead_id, []).append(value.value_hash)
    return Target(tuple(persons), tuple(_find_traits(person, hashes.get(person.id, [])) for person in persons))


def _find_traits(person: Person, value_hashes: Sequence[bytes]) -> PersonTraits:
    owners = [
        (person.owner_first_name, person.owner_last_name),
        (person.owner2_first_name, person.owner2_last_name),
        (None, person.company_name),
    ]
    return build_traits(value_hashes, owners, person.property_address, person.property_zip)


def _confirm(target: Target, *, yes: bool, as_json: bool) -> None:
    """Show who is erased and what stays, and ask."""
    if not as_json:
        if target.persons:
            print_rows(describe_leads(target.persons), _LEAD_COLUMNS, as_json=False, empty="", first=("id", "owner"))
        else:
            print_message("No lead has this value. It is suppressed, and removed from stored texts.")
        print_message(STAYS)
    count = len(target.listed) or len(target.persons) or 1
    require_yes(f"Erase {count:,} {'person' if count == 1 else 'persons'} for good?", yes=yes)


async def _erase_target(
    target: Target, reason: str, keyring: Keyring
) -> tuple[Target, list[ErasedPerson], dict[str, SearchedTexts], list[LeadId], int]:
    """Log the access, empty the texts that name the persons, then erase each. A crash before the end leaves a repeat complete."""
    lead_ids = [person.id for person in target.persons]
    async with connect(service_dsn(OPERATOR)) as connection:
        access = LoggedAccess("erase", reason, len(lead_ids), lead_ids=lead_ids)
        requests = _list_requests(target, reason, await access.log(connection), keyring)
        related = await queries.find_related_leads(connection, lead_ids=lead_ids)
        texts = await empty_texts(keyring, lambda text: names_any(text, target.traits, keyring.hash_contact))
        erased = [await erase_person(connection, request, keyring) for request in requests]
        memberships = await queries.count_open_memberships(connection, lead_ids=lead_ids)
    return target, erased, texts, related, memberships


def _list_requests(target: Target, reason: str, access_id: int, keyring: Keyring) -> list[ErasureRequest]:
    actor = getuser()
    if target.listed:
        return [
            ErasureRequest(
                one.id,
                LeadId(one.lead_id) if one.lead_id else None,
                tuple(RemainingHash(kept.kind, bytes.fromhex(kept.hash), kept.hash_key_id) for kept in one.hashes),
                one.actor,
                one.reason,
                access_id,
                one.at,
            )
            for one in target.listed
        ]
    leads = [ErasureRequest(person.id, person.id, (), actor, reason, access_id) for person in target.persons]
    values = [
        ErasureRequest(
            id_of_value(hash_), None, (RemainingHash(kind, hash_, keyring.hash_key_id),), actor, reason, access_id
        )
        for kind, hash_ in target.values
    ]
    return [*leads, *values]


def _report(
    target: Target,
    erased: Sequence[ErasedPerson],
    texts: dict[str, SearchedTexts],
    related: Sequence[LeadId],
    memberships: int,
    *,
    as_json: bool,
) -> None:
    new, waiting = sum(one.is_new for one in erased), sum(one.waiting_responses for one in erased)
    if as_json:
        fields: dict[str, Any] = {
            "leads": [str(person.id) for person in target.persons],
            "erased": new,
            "already_erased": len(erased) - new,
            "texts": {label: to_fields(found) for label, found in texts.items()},
            "related_leads": [str(lead_id) for lead_id in related],
            "waiting_responses": waiting,
            "waiting_removals": memberships,
        }
        print_json(fields)
        return
    print_message(f"{new:,} erased, {len(erased) - new:,} were so already.")
    for label, found in texts.items():
        unreadable = f", {found.unreadable:,} could not be read" if found.unreadable else ""
        print_message(f"{label}: {found.searched:,} searched, {found.emptied:,} emptied{unreadable}")
    if waiting:
        print_message(f"{waiting:,} calls of skip tracing have not ended. skiptrace deletes their answers then.")
    if memberships:
        print_message(f"{memberships:,} memberships at Instantly are being removed: equity leads show LEAD")
    if related:
        print_message(f"Leads that shared an address or number: {', '.join(map(str, related))}. Erase them too?")
