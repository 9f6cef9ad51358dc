"""Searches for leads by one thing that is known of them: each text becomes a look-up in one index."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from cli.commands.leads import queries
from cli.shell.database import Connection
from cli.shell.errors import UsageError
from cli.shell.settings import CliSettings
from common.geography.placeholders import parcel_number
from common.ids import LeadId
from common.pii.contact_values import email_address, phone_number
from common.pii.keyring import Keyring
from common.records.addresses.search import WrittenAddress, read_written_address

MAX_SEARCHED_LEADS = 10_000
"""Leads that a search may find before it is combined with another one."""
_MAX_NAME_WORDS = 8
_MAK_DIGITS = 10

Search = Callable[[Connection], Awaitable[Collection[LeadId]]]


async def find_lead_ids(
    connection: Connection, searches: Collection[Search], prefixes: list[str] | None, page_size: int
) -> list[LeadId]:
    """Return up to *page_size* leads that all *searches* find, and that have a name with one of *prefixes*, if given."""
    found: set[LeadId] | None = None
    for search in searches:
        matching = set(await search(connection))
        found = matching if found is None else found & matching
        if not found:
            return []
    if found is None:
        return await queries.find_leads_by_name(connection, prefixes=prefixes or [], page_size=page_size)
    if prefixes is not None:
        found = set(await queries.keep_leads_by_name(connection, lead_ids=sorted(found), prefixes=prefixes))
    return sorted(found)[:page_size]


def search_phone(text: str) -> Search:
    """Return the search for a phone number. Raises UsageError."""
    number = phone_number(text)
    if number is None:
        raise UsageError("This is not a phone number of the United States.", "Ten digits, such as 727 555 0142.")
    return _search_contact("phone", number)


def search_email(text: str) -> Search:
    """Return the search for an email address. Raises UsageError."""
    address = email_address(text)
    if address is None:
        raise UsageError("This is not an email address that can receive mail.", "Such as dana@example.com.")
    return _search_contact("email", address)


def _search_contact(channel: str, value: str) -> Search:
    value_hash = Keyring.from_settings(CliSettings()).hash_contact(value)
    return lambda connection: queries.find_leads_by_contact(
        connection, channel=channel, value_hash=value_hash, page_size=MAX_SEARCHED_LEADS
    )


def search_address(text: str) -> Search:
    """Return the search for an address, with all units where none is given. Raises UsageError."""
    address = read_written_address(text)
    if address is None:
        raise UsageError(
            "This address cannot be read.",
            "Street with number, city, state and ZIP code: '418 N Palmetto Ave, Dunedin, FL 34698'.",
        )
    return lambda connection: _find_by_address(connection, address)


async def _find_by_address(connection: Connection, address: WrittenAddress) -> list[LeadId]:
    found = await queries.find_leads_by_address(connection, hashes=address.hashes)
    if not address.house_numbers:
        return found
    units = await queries.list_units(
        connection, zip_code=address.zip_code, house_numbers=address.house_numbers, page_size=MAX_SEARCHED_LEADS
    )
    at_street = [
        unit.id
        for unit in units
        if address.has_unit(unit.property_address or "", unit.property_unit or "", unit.property_city or "")
    ]
    return [*found, *at_street]


def name_prefixes(text: str) -> list[str]:
    """Return the prefixes of `last name first name` that *text* may mean. A comma ends the last name."""
    last, comma, first = (" ".join(part.split()) for part in text.partition(","))
    if comma:
        return [f"{last} {first}".strip()]
    words = last.split()[:_MAX_NAME_WORDS]
    return [" ".join(words[start:] + words[:start]) for start in range(len(words))]


def search_apn(text: str) -> Search:
    """Return the search for a parcel number, in every county. Raises UsageError."""
    number = parcel_number(text)
    if number is None:
        raise UsageError(
            f"{text!r} identifies no parcel.", "The number as the county writes it, such as 15-29-16-12345-000-0010."
        )
    return lambda connection: queries.find_leads_by_parcel(
        connection, parcel_number=number, page_size=MAX_SEARCHED_LEADS
    )


def search_mak(text: str) -> Search:
    """Return the search for a Melissa address key. Raises UsageError."""
    digits = text.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == _MAK_DIGITS):
        raise UsageError(f"{text!r} is not a Melissa address key.", "Ten digits.")
    return lambda connection: queries.find_leads_by_mak(connection, mak=digits)


SEARCHES: Mapping[str, Callable[[str], Search]] = {
    "phone": search_phone,
    "email": search_email,
    "address": search_address,
    "apn": search_apn,
    "mak": search_mak,
}
"""Search of each option but the name, whose prefix may match most leads."""
