"""Commands of the replies service: list, show and count replies, classify them again, and subscribe to webhooks."""

import asyncio
import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import typer

from cli.commands.leads.access import UNREADABLE, LoggedAccess, load_reveal_keys
from cli.commands.leads.show import PurposeOption, RevealOption
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.confirmation import require_text
from cli.shell.database import OPERATOR, Connection, connect, find_broker_id, run_in_transaction, service_dsn
from cli.shell.durations import parse_moment
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_done, print_fields, print_json, print_message, print_rows, to_fields
from common.ids import LeadId
from common.pii.keyring import DataKey, DecryptionError, Keyring
from replies import command_queries as queries
from replies.command_queries import OpenedReply
from replies.routes import ROUTES, Intent
from replies.stored_texts import TextPart, decrypt_text
from replies.subscribing import subscribe_gateway

app = new_app(
    "Replies to emails: what they mean, what followed, and the texts for those who may read them.",
    panel="Campaigns",
    summary="Replies: list, show and count them, classify them again, subscribe to them.",
    order=30,
)
ReplyState = Literal["content_missing", "received", "routed"]
SinceOption = Annotated[
    dt.datetime | None,
    typer.Option("--since", metavar="TIME", parser=parse_moment, help="Only replies that came since then."),
]
_COLUMNS = {"id": "reply", "at": "at", "broker": "broker", "intent": "intent", "confidence": "confidence",
            "classified_by": "by", "fallback_reason": "why rules", "route": "route", "answer": "answer",
            "state": "state"}  # fmt: skip
_COUNT_COLUMNS = {"intent": "intent", "classified_by": "by", "fallback_reason": "why rules", "route": "route",
                  "replies": "replies"}  # fmt: skip


@app.command("list")
def list_replies(
    lead: Annotated[
        UUID | None, typer.Option("--lead", metavar="LEAD", parser=inputs.parse_uuid, help="Only of this lead.")
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option("--broker", metavar="NAME", parser=inputs.parse_name_or_id, help="Only of this broker."),
    ] = None,
    intent: Annotated[Intent | None, typer.Option(help="Only of this intent.")] = None,
    route: Annotated[str | None, typer.Option(help="Only of this route, such as question.")] = None,
    state: Annotated[ReplyState | None, typer.Option(help="Only in this state.")] = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Largest number of rows.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List replies, the newest first, without their texts."""
    if route not in (None, *(known.name for known in ROUTES)):
        raise UsageError(f"There is no route {route!r}.", f"One of: {', '.join(known.name for known in ROUTES)}.")

    async def read(connection: Connection) -> Any:
        if lead and not await queries.has_lead(connection, lead_id=LeadId(lead)):
            raise CommandRefusedError(f"There is no lead {lead}.", "`equity leads find` searches for one.")
        return await queries.list_replies(
            connection, lead_id=LeadId(lead) if lead else None, broker_id=await find_broker_id(connection, broker),
            intent=intent, route=route, state=state, since=since, page_size=limit,
        )  # fmt: skip

    rows = run_in_transaction(read, service=OPERATOR)
    print_rows(rows, _COLUMNS, as_json=as_json, empty="No reply fits.", first=("id", "at", "intent", "route"))


@app.command("show")
def show_reply(
    reply: Annotated[UUID, typer.Argument(metavar="REPLY", parser=inputs.parse_uuid, help="The reply's id.")],
    purpose: PurposeOption = None,
    *,
    reveal: RevealOption = False,
    as_json: AsJson = False,
) -> None:
    """Show a reply: its lead, its classifications and its answer. With --reveal also what the person wrote."""
    why = require_text("Purpose", purpose, "--purpose") if reveal else None
    page = asyncio.run(_read_page(reply, why))
    if as_json:
        print_json(page)
        return
    history, answer = page.pop("classifications"), page.pop("answer_details")
    print_fields(page, as_json=False)
    columns = {"classification": "no.", "at": "at", "intent": "intent", "confidence": "confidence",
               "classified_by": "by", "fallback_reason": "why rules", "route": "route"}  # fmt: skip
    print_rows(history, columns, as_json=False, empty="It has no classification yet.")
    if answer:
        print_fields({f"answer {name}": value for name, value in answer.items()}, as_json=False)


@app.command("stats")
def show_stats(since: SinceOption = None, *, as_json: AsJson = False) -> None:
    """Count replies by intent, by the decision's origin and by route."""
    rows = run_in_transaction(lambda connection: queries.count_replies(connection, since=since), service=OPERATOR)
    print_rows(rows, _COUNT_COLUMNS, as_json=as_json, empty="No replies.")


@app.command("reclassify")
def reclassify_replies(
    replies: Annotated[
        list[UUID] | None, typer.Argument(metavar="[REPLY]...", parser=inputs.parse_uuid, help="Ids of replies.")
    ] = None,
    since: SinceOption = None,
    *,
    fallbacks: Annotated[bool, typer.Option("--fallbacks", help="Only those that rules decided.")] = False,
    as_json: AsJson = False,
) -> None:
    """Classify replies again, and route them again where nothing irreversible happened.

    An opt-out stays, and no reply is answered twice. The service does the work; `equity replies show` shows the result.
    """
    if not (replies or since or fallbacks):
        raise UsageError("Which replies?", "Give their ids, --since, or --fallbacks.")

    async def request(connection: Connection) -> list[UUID]:
        return await queries.request_reclassification(
            connection, reply_ids=replies or None, since=since, only_fallbacks=fallbacks
        )

    requested = run_in_transaction(request, service="replies")
    print_done(f"Requested for {len(requested):,} replies.", {"requested": requested}, as_json=as_json)
    if not as_json and replies and len(requested) < len(set(replies)):
        print_message("The others are unknown, opted out, labels, without a kept text, or wait for their first one.")


@app.command("subscribe")
def subscribe(
    gateway: Annotated[
        str, typer.Argument(metavar="URL", help="Public address of the gateway, such as https://leads.example.com.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Subscribe the gateway to the webhooks of Instantly, with the first of INSTANTLY_WEBHOOK_SECRETS. Repeating it is harmless."""
    is_new = asyncio.run(subscribe_gateway(gateway))
    message = "Instantly sends its webhooks to the gateway." if is_new else "The gateway was subscribed before."
    print_done(message, {"is_new": is_new}, as_json=as_json)


async def _read_page(reply_id: UUID, purpose: str | None) -> dict[str, Any]:
    async with connect(service_dsn(OPERATOR)) as connection:
        row = await queries.find_reply(connection, reply_id=reply_id)
        if row is None:
            raise CommandRefusedError(f"There is no reply {reply_id}.", "`equity replies list` shows their ids.")
        texts: dict[str, str | None] = {}
        if purpose is not None and row.lead_id:
            keyring = load_reveal_keys()
            access = LoggedAccess("replies show", purpose, 1, lead_ids=[row.lead_id], reveals=True)
            access_id = await access.log(connection)
            opened = await queries.open_replies(connection, access_id=access_id, reply_ids=[reply_id])
            texts = _decrypt(keyring, opened[0]) if opened else {}
        answer = await queries.find_answer(connection, reply_id=reply_id)
        return {
            **to_fields(row),
            **texts,
            "classifications": [
                to_fields(one) for one in await queries.list_classifications(connection, reply_id=reply_id)
            ],
            "answer_details": to_fields(answer) if answer else None,
        }


def _decrypt(keyring: Keyring, opened: OpenedReply) -> dict[str, str | None]:
    """Return the texts of the reply and of its answer by their names; UNREADABLE where the lead's key is missing."""
    row, answer = opened.reply_id, opened.answer_id or opened.reply_id
    parts: dict[str, tuple[UUID, TextPart, bytes | None]] = {
        "subject": (row, "subject", opened.subject_ciphertext),
        "text": (row, "text", opened.text_ciphertext),
        "text_of_html": (row, "other", opened.other_ciphertext),
        "answer_subject": (answer, "subject", opened.answer_subject_ciphertext),
        "answer_text": (answer, "text", opened.answer_text_ciphertext),
    }
    try:
        key = keyring.unwrap_data_key(opened.lead_id, opened.data_key) if opened.data_key else None
    except DecryptionError:
        key = None
    return {name: _open(key, *part) for name, part in parts.items()}


def _open(key: DataKey | None, row_id: UUID, part: TextPart, ciphertext: bytes | None) -> str | None:
    if ciphertext is None:
        return None
    try:
        return decrypt_text(key, row_id, part, ciphertext) if key else UNREADABLE
    except DecryptionError:
        return UNREADABLE
