"""`equity consent withdraw`: a withdrawal that a person states at the office."""

import asyncio
from datetime import UTC, datetime
from getpass import getuser
from typing import Annotated

import typer

from cli.shell import inputs
from cli.shell.database import connect, service_dsn
from cli.shell.errors import UsageError
from cli.shell.output import AsJson, print_done
from cli.shell.settings import CliSettings
from common.bus import Tx
from common.ids import LeadId
from common.pii.contact_values import phone_number
from common.pii.keyring import Keyring
from consent.commands.proofs import LeadArgument
from consent.office import OfficeStatement, record_withdrawal


def withdraw_consent(
    lead: LeadArgument,
    phone: Annotated[str | None, typer.Option("--phone", metavar="NUMBER", help="This number only.")] = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", parser=inputs.parse_note, help="What the person said; kept as evidence."
        ),
    ] = "asked the office to stop calls",
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAME", parser=inputs.parse_note, help="Who took it; default: the user."),
    ] = None,
    *,
    withdraw_all: Annotated[bool, typer.Option("--all", help="All numbers and consents; the default.")] = False,
    as_json: AsJson = False,
) -> None:
    """Withdraw a person's consent to calls, for one number or for all, with the same effect as the withdrawal page.

    It takes effect at once. The same withdrawal again changes nothing. Only a new signature of the person undoes it.
    """
    if phone and withdraw_all:
        raise UsageError("--phone and --all contradict each other.", "Give one of them.")
    number = phone_number(phone) if phone else None
    if phone and number is None:
        raise UsageError(f"{phone!r} is not a US phone number.", "Such as 727-555-0142; or --all for every number.")
    is_new = asyncio.run(_withdraw(LeadId(lead), number, OfficeStatement(reason, by or getuser())))
    which = "this number" if number else "all numbers"
    done = (
        f"Withdrawn: no more calls to {which} of this lead. Proof: equity consent show {lead}"
        if is_new
        else f"Calls to {which} of this lead are withdrawn already. Nothing changed."
    )
    print_done(done, {"lead_id": lead, "is_new": is_new, "number": bool(number)}, as_json=as_json)


async def _withdraw(lead_id: LeadId, number: str | None, statement: OfficeStatement) -> bool:
    keyring = Keyring.from_settings(CliSettings())
    async with connect(service_dsn("consent")) as connection, connection.transaction():
        tx = Tx(connection, "consent")
        is_new = await record_withdrawal(tx, keyring, lead_id, number, statement, datetime.now(UTC))
        if is_new is None:
            raise UsageError(f"There is no lead {lead_id}.", "Find it: equity leads find")
        await tx.write_outbox()
        return is_new
