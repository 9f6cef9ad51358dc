"""`equity mails`: mails that services send themselves, and what became of each."""

import asyncio
from typing import Annotated, Literal
from uuid import UUID

import typer

from cli.commands.leads.access import LoggedAccess
from cli.commands.mails import queries
from cli.commands.mails.queries import ListedMail
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.confirmation import YesOption, require_yes
from cli.shell.database import OPERATOR, connect, run_in_transaction, service_dsn
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_done, print_rows, to_fields
from cli.shell.settings import CliSettings
from common.ids import LeadId

app = new_app(
    "Mails that services send themselves, such as the copy of a consent (docs/mails.md).",
    panel="Watching",
    summary="Our own mails: list, show, retry.",
    order=50,
)

MailState = Literal["queued", "sending", "sent", "refused", "unknown"]
_COLUMNS = {"id": "mail", "service": "service", "lead_id": "lead", "template": "template", "template_version": "version",
            "state": "state", "reason": "reason", "attempts": "attempts", "retry_at": "next attempt",
            "created_at": "created", "sending_at": "sent at", "finished_at": "ended",
            "value_hash": "address (hash)", "message_id": "Message-ID"}  # fmt: skip
_REFUSALS = {
    "missing": "There is no such mail.",
    "queued": "It waits for its next attempt already.",
    "sending": "It is being sent now.",
    "sent": "It was sent.",
    "unknown": "It may have been sent: nothing answered after its content.",
    "erased": "Its content was erased with the lead.",
}

Mail = Annotated[UUID, typer.Argument(metavar="MAIL", parser=inputs.parse_uuid, help="Id of the mail.")]


@app.command("list")
def list_mails(
    state: Annotated[MailState | None, typer.Option(help="Only mails in this state.")] = None,
    lead: Annotated[
        UUID | None, typer.Option(metavar="LEAD", parser=inputs.parse_uuid, help="Only mails of this lead.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of mails, the newest first.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List the newest mails. `queued` without SMTP_URL waits until it is set: `equity doctor` says so."""
    rows = run_in_transaction(
        lambda connection: queries.list_mails(
            connection, state=state, lead_id=LeadId(lead) if lead else None, page_size=limit
        ),
        service=OPERATOR,
    )
    print_rows(
        rows, _COLUMNS, as_json=as_json, empty="No mails.", first=("id", "lead_id", "template", "state", "reason")
    )


@app.command("show")
def show_mail(mail: Mail, *, as_json: AsJson = False) -> None:
    """Show what became of one mail. Its words are encrypted and not shown."""
    found = run_in_transaction(lambda connection: queries.find_mail(connection, mail_id=mail), service=OPERATOR)
    if found is None:
        raise UsageError(f"There is no mail {mail}.", "`equity mails list` shows them.")
    print_done(_describe(found), to_fields(found), as_json=as_json)


@app.command("retry")
def retry_mail(
    mail: Mail,
    reason: Annotated[str, typer.Option(metavar="TEXT", parser=inputs.parse_note, help="Why; kept in the access log.")],
    *,
    even_unknown: Annotated[
        bool, typer.Option("--unknown", help="Also if it may have been sent: the person can get it twice.")
    ] = False,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Queue a mail again that was refused. The gate is asked again before it is sent.

    A mail in the state `unknown` is queued again only with --unknown. Search the provider's log for its Message-ID first.
    """
    if even_unknown:
        require_yes("Send it although it may have been sent already?", yes=yes)
    result = asyncio.run(_retry(mail, reason, even_unknown=even_unknown))
    if result != "retried":
        raise CommandRefusedError(_REFUSALS[result], f"See: equity mails show {mail}")
    print_done("Queued again.", {"mail": str(mail), "result": result}, as_json=as_json)


async def _retry(mail: UUID, reason: str, *, even_unknown: bool) -> str:
    async with connect(service_dsn(OPERATOR)) as connection:
        found = await queries.find_mail(connection, mail_id=mail)
        if found is None:
            return "missing"
        await LoggedAccess("mails retry", reason, 1, lead_ids=[found.lead_id]).log(connection)
        return await queries.retry_mail(connection, mail_id=mail, even_unknown=even_unknown)


def _describe(mail: ListedMail) -> str:
    because = f" ({mail.reason})" if mail.reason else ""
    lines = [f"{mail.template} {mail.template_version} to lead {mail.lead_id}: {mail.state}{because}"]
    lines.append(
        f"created {mail.created_at:%Y-%m-%d %H:%M:%SZ}, attempts {mail.attempts}, Message-ID {mail.message_id or '-'}"
    )
    if mail.state == "queued":
        wait = "now" if mail.retry_at <= CliSettings().now else f"at {mail.retry_at:%Y-%m-%d %H:%M:%SZ}"
        lines.append(f"next attempt {wait}, if SMTP_URL is set")
    if mail.state == "unknown":
        lines.append("It is not repeated by itself: docs/runbooks/mails.md")
    return "\n".join(lines)
