"""Commands of the recorder's data: the funnel, and dead letters."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from getpass import getuser
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer

from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import Connection, Row, connect, find_broker_id, run_in_transaction, service_dsn
from cli.shell.durations import parse_moment, parse_span, subtract_span
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_done, print_fields, print_message, print_rows, to_fields
from cli.shell.personal_texts import PersonalTexts
from cli.shell.reencryption import EncryptedColumn, reencrypt_value
from cli.shell.settings import CliSettings
from common.bus.dead_letter_message import unpack_message
from common.ids import BrokerId, DeadLetterId
from common.pii.keyring import Keyring
from common.topics import FUNNEL_EVENT_NAMES
from recorder import command_queries as queries
from recorder.command_queries import (
    EventCount,
    ListedDeadLetter,
    OutdatedDeadLetter,
    ReplayedDeadLetter,
    StoredDeadLetter,
)

funnel = new_app(panel="Watching", summary="How many leads came how far.", order=10)
dlq = new_app(
    "Dead letters: what could not be handled, why, and handling it again.",
    panel="Watching",
    summary="Dead letters: what could not be handled, why, and handling it again.",
    order=20,
)

_FUNNEL_COLUMNS = {
    "event_type": "event",
    "count": "events",
    "leads": "leads",
    "outcomes": "outcomes",
    "avg_duration_ms": "avg ms",
}
_DEAD_LETTER_COLUMNS = {"id": "id", "status": "status", "consumer": "consumer", "source": "topic", "reason": "reason",
                        "attempts": "tries", "replay_number": "replays", "retry_after": "due",
                        "last_failed_at": "failed"}  # fmt: skip
_REPLAYED_COLUMNS = {"id": "id", "consumer": "consumer", "reason": "reason", "status": "status", "created_at": "died"}
_DEAD_LETTER_PURPOSE = "dead-letter"


class DeadLetterStatus(StrEnum):
    """Status of a dead letter."""

    OPEN = "open"
    RETRYING = "retrying"
    PARKED = "parked"
    RESOLVED = "resolved"


LetterArgument = Annotated[
    int, typer.Argument(metavar="ID", parser=inputs.parse_number, help="The dead letter's number.")
]
ConsumerOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", parser=inputs.parse_name_or_id, help="Only of this consumer, such as ingest.upsert_leads."
    ),
]


@funnel.command("funnel")
def show_funnel(
    since: Annotated[
        timedelta, typer.Option(parser=parse_span, metavar="SPAN", help="How far back: 90m, 24h, 7d.")
    ] = "24h",  # type: ignore[assignment]
    upload: Annotated[
        UUID | None, typer.Option(metavar="ID", parser=inputs.parse_uuid, help="Only what this upload brought.")
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(metavar="BROKER", parser=inputs.parse_name_or_id, help="Only this broker's leads: id or name."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Count the funnel's events, in the order of a lead's life."""

    async def work(connection: Connection) -> list[EventCount]:
        return await _count_events(connection, since, upload, await find_broker_id(connection, broker))

    rows = run_in_transaction(work, service="recorder")
    print_rows(rows, _FUNNEL_COLUMNS, as_json=as_json, empty="Nothing happened in that time.")


async def _count_events(
    connection: Connection, since: timedelta, upload: UUID | str | None, broker: BrokerId | None
) -> list[EventCount]:
    """Return one row for each type of event in the span *since*, in the order of a lead's life.

    The span ends at the time of the services' clock or of the machine, whichever is earlier. Events are dated by the clock,
    but never later than the machine's time (ADR 15), so no event of either is outside because a clock was moved.
    """
    after = subtract_span(min(CliSettings().now, datetime.now(UTC)), since)
    upload_id = str(upload) if upload else None
    counts = await queries.count_events_by_type(connection, after=after, upload_id=upload_id, broker_id=broker)
    place = {event: number for number, event in enumerate(FUNNEL_EVENT_NAMES)}
    return sorted(counts, key=lambda row: place.get(row.event_type, len(place)))


async def count_upload_events(upload_id: str) -> list[Row]:
    """Return the funnel of an upload since it was taken, for the demo."""
    async with connect(service_dsn("recorder")) as connection:
        return [to_fields(row) for row in await _count_events(connection, timedelta(days=3650), upload_id, None)]


@dlq.command("list")
def list_dead_letters(
    status: Annotated[
        DeadLetterStatus | None, typer.Option(help="Only with this status; default: open and retrying.")
    ] = None,
    consumer: ConsumerOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of dead letters, the newest first.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first."""

    async def work(connection: Connection) -> tuple[list[ListedDeadLetter], dict[str, int]]:
        letters = await queries.list_dead_letters(connection, status=status, consumer=consumer, page_size=limit)
        return letters, {row.status: row.count for row in await queries.count_dead_letters(connection)}

    rows, counts = run_in_transaction(work, service="recorder")
    nothing = "No dead letter matches." if status or consumer else "No dead letters wait."
    print_rows(rows, _DEAD_LETTER_COLUMNS, as_json=as_json, empty=nothing, first=("id", "status", "reason"))
    if counts:
        print_message("In all: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))


@dlq.command("show")
def show_dead_letter(
    letter: LetterArgument,
    *,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Decrypt the message too: it may hold personal data.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is known of a dead letter; its message only on request."""
    found = run_in_transaction(
        lambda connection: queries.show_dead_letter(connection, dead_letter_id=DeadLetterId(letter)), service="recorder"
    )
    if found is None:
        raise CommandRefusedError(f"There is no dead letter {letter}.", "`equity dlq list` shows them.")
    fields = to_fields(found)
    del fields["payload"]
    if reveal and found.payload is not None:
        fields["message"] = _decrypt_message(found.event_id, found.payload)
    print_fields(fields, as_json=as_json)
    if found.payload is None:
        print_message("The message is no longer kept: dead letters are emptied after 30 days, or came without one.")
    elif not reveal:
        print_message(f"The message is encrypted. To read it: equity dlq show {letter} --reveal")


@dlq.command("replay")
def replay_dead_letters(
    consumer: ConsumerOption = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=parse_moment, metavar="WHEN", help="Only what died since then: 2026-03-01, or 24h."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(parser=parse_moment, metavar="WHEN", help="Only what died before then: the cut-off."),
    ] = None,
    letter: Annotated[
        list[int] | None,
        typer.Option("--id", metavar="ID", parser=inputs.parse_number, help="Only this dead letter; may be repeated."),
    ] = None,
    *,
    include_parked: Annotated[bool, typer.Option(help="Parked ones, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list them; send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, to the consumer that failed and to no other.

    Run it with --dry-run first. Each run is kept in pipeline.dlq_replays, with the user who requested it.
    """
    if not (dry_run or consumer or since or until or letter):
        raise UsageError(
            "Which ones? Without any filter every open dead letter would go.",
            "Give --consumer, --since, --until or --id; --dry-run says which they are. All: --since 3650d.",
        )

    async def work(connection: Connection) -> list[ReplayedDeadLetter]:
        return await queries.replay_dead_letters(
            connection,
            consumer=consumer,
            since=since,
            until=until,
            dead_letter_ids=[DeadLetterId(number) for number in letter] if letter else None,
            include_parked=include_parked,
            dry_run=dry_run,
            requested_by=getuser(),
        )

    rows = run_in_transaction(work, service="recorder")
    print_rows(rows, _REPLAYED_COLUMNS, as_json=as_json, empty="No dead letter matches.")
    if rows:
        print_message(
            f"{len(rows):,} would be sent again."
            if dry_run
            else f"{len(rows):,} go out again within seconds, by the recorder."
        )


@dlq.command("park")
def park_dead_letters(
    letters: Annotated[
        list[int], typer.Argument(metavar="ID...", parser=inputs.parse_number, help="The dead letters' numbers.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Put open dead letters aside, such as those whose sender sends again. They are emptied after 30 days.

    A parked dead letter is replayed when it is named.
    """
    wanted = [DeadLetterId(number) for number in letters]
    parked = run_in_transaction(
        lambda connection: queries.park_dead_letters(connection, dead_letter_ids=wanted), service="recorder"
    )
    if left := sorted(set(letters) - set(parked)):
        raise CommandRefusedError(
            f"Not open, or not there: {', '.join(map(str, left))}. Parked: {', '.join(map(str, parked)) or 'none'}.",
            "`equity dlq show ID` shows the status of one.",
        )
    print_done(f"{len(parked):,} parked.", {"parked": parked}, as_json=as_json)


def _decrypt_message(event_id: UUID, payload: bytes) -> dict[str, Any]:
    """Return key, headers and body of the message. Raises DecryptionError or MissingKeyError."""
    keyring = Keyring.from_settings(CliSettings())
    key, headers, value = unpack_message(keyring.decrypt(_DEAD_LETTER_PURPOSE, event_id.bytes, payload))
    return {
        "key": _to_readable(key),
        "headers": {name: _to_readable(content) for name, content in headers},
        "value": _to_readable(value),
    }


def _to_readable(content: bytes | None) -> object:
    if content is None:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode("utf-8", "backslashreplace")


ENCRYPTED_COLUMNS = (
    EncryptedColumn[OutdatedDeadLetter](
        "dead letters",
        find_outdated=lambda connection, key_id, _, page_size: queries.find_outdated_dead_letters(
            connection, key_id=key_id, page_size=page_size
        ),
        reencrypt=lambda keyring, row: reencrypt_value(
            keyring, _DEAD_LETTER_PURPOSE, row.event_id.bytes, row.encrypted
        ),
        save=lambda connection, rows, values: queries.save_dead_letters(
            connection, dead_letter_ids=[row.id for row in rows], encrypted=values
        ),
    ),
)


def _read_dead_letter(keyring: Keyring, letter: StoredDeadLetter) -> str:
    key, headers, value = unpack_message(keyring.decrypt(_DEAD_LETTER_PURPOSE, letter.event_id.bytes, letter.encrypted))
    readable = [_to_readable(key), [[name, _to_readable(content)] for name, content in headers], _to_readable(value)]
    return orjson.dumps(readable).decode()


PERSONAL_TEXTS = (
    PersonalTexts[StoredDeadLetter](
        "dead letters",
        read_page=lambda connection, last, page_size: queries.lock_dead_letters(
            connection, after=last.id if last else DeadLetterId(0), page_size=page_size
        ),
        read_text=_read_dead_letter,
        empty=lambda connection, _, letters: queries.empty_dead_letters(
            connection, dead_letter_ids=[letter.id for letter in letters]
        ),
    ),
)
