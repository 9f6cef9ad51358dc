"""Dead letters: messages that a consumer could not handle."""

from datetime import datetime
from enum import StrEnum
from getpass import getuser
from typing import Annotated, Any

import orjson
import typer

from cli import inputs
from cli.database import Connection, Row, in_transaction, queries, select
from cli.durations import moment
from cli.errors import RefusedError, UsageError
from cli.lazy import new_app
from cli.output import AsJson, done, say, show_fields, show_rows
from cli.settings import CliSettings
from common.contacts import Keyring
from common.deadletters import unpack

app = new_app("Dead letters: what could not be handled, why, and handling it again.")

_COLUMNS = {"id": "id", "status": "status", "consumer": "consumer", "source": "topic", "reason": "reason",
            "attempts": "tries", "redrive": "redrives", "retry_after": "due", "last_failed_at": "failed"}  # fmt: skip

_REPLAYED = {"id": "id", "consumer": "consumer", "reason": "reason", "status": "status", "created_at": "died"}


class Status(StrEnum):
    """How a dead letter stands."""

    OPEN = "open"
    RETRYING = "retrying"
    PARKED = "parked"
    RESOLVED = "resolved"


LetterId = Annotated[int, typer.Argument(metavar="ID", parser=inputs.number, help="The dead letter's number.")]
Consumer = Annotated[
    str | None,
    typer.Option(metavar="NAME", parser=inputs.named, help="Only of this consumer, such as ingest.upsert_leads."),
]


@app.command("list")
def list_letters(
    status: Annotated[Status | None, typer.Option(help="Only so; default: open and retrying.")] = None,
    consumer: Consumer = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first."""

    async def work(connection: Connection) -> tuple[list[Row], dict[str, int]]:
        found = queries.list_dead_letters(connection, status=status, consumer=consumer, limit=limit)
        rows = [dict(row) async for row in found]
        return rows, {row["status"]: row["count"] async for row in queries.count_dead_letters(connection)}

    rows, counts = in_transaction(work)
    nothing = "No dead letter matches." if status or consumer else "No dead letters wait."
    show_rows(rows, _COLUMNS, as_json=as_json, empty=nothing, first=("id", "status", "reason"))
    if counts:
        say("In all: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))


@app.command()
def show(
    letter: LetterId,
    *,
    reveal: Annotated[bool, typer.Option("--reveal", help="Open the message too: it may hold personal data.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is known of a dead letter; its message only on request."""

    async def work(connection: Connection) -> Row:
        found = await queries.show_dead_letter(connection, id=letter)
        if found is None:
            raise RefusedError(f"There is no dead letter {letter}.", "`equity dlq list` shows them.")
        return dict(found)

    fields = in_transaction(work)
    payload = fields.pop("payload")
    if reveal and payload is not None:
        fields["message"] = _open(fields, payload)
    show_fields(fields, as_json=as_json)
    if payload is None:
        say("The message is no longer kept: dead letters are emptied after 30 days, or came without one.")
    elif not reveal:
        say(f"The message is sealed. To read it: equity dlq show {letter} --reveal")


@app.command()
def replay(
    consumer: Consumer = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="WHEN", help="Only what died since then: 2026-03-01, or 24h."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="WHEN", help="Only what died before then: the cut-off.")
    ] = None,
    letter: Annotated[
        list[int] | None,
        typer.Option("--id", metavar="ID", parser=inputs.number, help="Only this dead letter; may be repeated."),
    ] = None,
    *,
    include_parked: Annotated[bool, typer.Option(help="Those that were given up, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which; send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, to the consumer that failed and to no other.

    Run it with --dry-run first. Each run is kept in pipeline.dlq_replays, with who asked.
    """
    if not (dry_run or consumer or since or until or letter):
        raise UsageError(
            "Which ones? Without any filter every open dead letter would go.",
            "Give --consumer, --since, --until or --id; --dry-run says which they are. All: --since 3650d.",
        )
    rows = select(
        queries.replay_dead_letters,
        consumer=consumer, since=since, until=until, ids=letter, include_parked=include_parked, dry_run=dry_run,
        requested_by=getuser(),
    )  # fmt: skip
    show_rows(rows, _REPLAYED, as_json=as_json, empty="No dead letter matches.")
    if rows:
        say(
            f"{len(rows):,} would be sent again."
            if dry_run
            else f"{len(rows):,} go out again within seconds, by the recorder."
        )


@app.command()
def park(
    letters: Annotated[
        list[int], typer.Argument(metavar="ID...", parser=inputs.number, help="The dead letters' numbers.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Put open dead letters aside, such as those whose sender sends anew: they wait no more, and are emptied after 30 days.

    A parked dead letter is replayed when it is named.
    """
    parked = [row["id"] for row in select(queries.park_dead_letters, ids=letters)]
    if left := sorted(set(letters) - set(parked)):
        raise RefusedError(
            f"Not open, or not there: {', '.join(map(str, left))}. Parked: {', '.join(map(str, parked)) or 'none'}.",
            "`equity dlq show ID` says how one stands.",
        )
    done(f"{len(parked):,} parked.", {"parked": parked}, as_json=as_json)


def _open(fields: Row, payload: bytes) -> dict[str, Any]:
    """Key, headers and body of the message. Raises CannotOpenError or MissingKeyError."""
    packed = Keyring.from_settings(CliSettings()).unseal("dead-letter", fields["event_id"].bytes, payload)
    key, headers, value = unpack(packed)
    return {
        "key": _readable(key),
        "headers": {name: _readable(content) for name, content in headers},
        "value": _readable(value),
    }


def _readable(content: bytes | None) -> object:
    if content is None:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode("utf-8", "backslashreplace")
