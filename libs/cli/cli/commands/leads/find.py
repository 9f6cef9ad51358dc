"""`equity leads find`: leads by what is known of them."""

from typing import Annotated

import typer

from cli.commands.leads import queries
from cli.commands.leads.queries import LeadSummary
from cli.commands.leads.searches import SEARCHES, find_lead_ids, name_prefixes
from cli.shell import inputs
from cli.shell.database import OPERATOR, Connection, run_in_transaction
from cli.shell.errors import UsageError
from cli.shell.output import AsJson, print_message, print_rows

LEAD_COLUMNS = {"id": "lead", "address": "property", "owner": "owner", "broker": "broker", "status": "status",
                "score": "score"}  # fmt: skip
FIRST_COLUMNS = ("id", "address", "status", "owner")


def find_leads(
    phone: Annotated[str | None, typer.Option(metavar="NUMBER", help="Phone number, in any usual form.")] = None,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Email address.")] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Street, city, state and ZIP code. Without a unit: all units, too."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Start of an owner's or company's name: Holt, 'Dana Holt' or 'Holt, Da'."),
    ] = None,
    apn: Annotated[str | None, typer.Option(metavar="NUMBER", help="Assessor's parcel number, of any county.")] = None,
    mak: Annotated[str | None, typer.Option(metavar="NUMBER", help="Melissa address key, ten digits.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Number of leads.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """Find leads by phone, email, address, name, parcel number or MAK. Several options: leads that match all of them."""
    options = {"phone": phone, "email": email, "address": address, "name": name, "apn": apn, "mak": mak}
    given = {option: inputs.parse_one_line(f"--{option}", text) for option, text in options.items() if text is not None}
    if not given:
        raise UsageError(
            "What is known of the lead?", f"Give one or more: {', '.join(f'--{name}' for name in options)}."
        )
    prefixes = name_prefixes(given.pop("name")) if "name" in given else None
    searches = [SEARCHES[option](text) for option, text in given.items()]

    async def find(connection: Connection) -> list[LeadSummary]:
        lead_ids = await find_lead_ids(connection, searches, prefixes, limit + 1)
        return await queries.summarize_leads(connection, lead_ids=lead_ids)

    found = run_in_transaction(find, service=OPERATOR)
    print_rows(found[:limit], LEAD_COLUMNS, as_json=as_json, empty="No lead is found.", first=FIRST_COLUMNS)
    if len(found) > limit:
        print_message(f"There are more than {limit:,}. Add an option, or give a higher --limit.")
