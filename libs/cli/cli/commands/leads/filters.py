"""Filters of leads: as options of `list` and `export`, and as `--where NAME=VALUE` of the commands that change leads."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.commands.leads import queries
from cli.shell import inputs
from cli.shell.database import Connection, find_broker_id
from cli.shell.durations import parse_moment
from cli.shell.errors import UsageError
from common.geography.places import county_name, state_code
from common.ids import BrokerId, LeadId

FILTER_PAGE_SIZE = 10_000
NO_BROKER = "none"
"""Value of the filter `broker` for leads without one."""
_MAX_SCORE = 100


class LeadStatus(StrEnum):
    """Campaign status of a lead (docs/data-model.md, Campaign status)."""

    NEW = "new"
    QUEUED = "queued"
    ACTIVE = "active"
    REPLIED = "replied"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    DO_NOT_CONTACT = "do_not_contact"
    CONVERTED = "converted"


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Conditions that a lead meets, all of them together. None is no condition."""

    status: tuple[LeadStatus, ...] | None = None
    broker: str | None = None
    state: str | None = None
    county: str | None = None
    min_score: int | None = None
    max_score: int | None = None
    created_since: datetime | None = None
    updated_since: datetime | None = None
    source: str | None = None
    upload: UUID | None = None

    @property
    def conditions(self) -> dict[str, Any]:
        """The conditions that are given, by name."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """Return the conditions as the access log keeps them. None of them is personal data."""
        return {
            name: list(value) if isinstance(value, tuple) else value if isinstance(value, int) else str(value)
            for name, value in self.conditions.items()
        }


def parse_status(text: str) -> LeadStatus:
    """Return a status. Raises UsageError."""
    try:
        return LeadStatus(text.strip().lower())
    except ValueError as error:
        raise UsageError(f"{text!r} is not a status.", f"One of: {', '.join(LeadStatus)}.") from error


def parse_state(text: str) -> str:
    """Return the two letters of a state. Raises UsageError."""
    code = state_code(text)
    if code is None:
        raise UsageError(
            f"{text!r} is not a state of the United States.", "Two letters or the name, such as FL or Florida."
        )
    return code


def parse_county(text: str) -> str:
    """Return the name of a county as leads carry it. Raises UsageError."""
    name = county_name(inputs.parse_one_line("The county", text))
    if not name:
        raise UsageError(f"{text!r} is not a county.", "Its name, such as Pinellas.")
    return name


def parse_score(text: str) -> int:
    """Return a score. Raises UsageError."""
    given = text.strip()
    if not (given.isascii() and given.isdigit() and int(given[:4]) <= _MAX_SCORE):
        raise UsageError(f"{text!r} is not a score.", f"A whole number from 0 to {_MAX_SCORE}.")
    return int(given)


def parse_since(text: str) -> datetime:
    """Return a moment in the past. Raises UsageError."""
    try:
        return parse_moment(text)
    except typer.BadParameter as error:
        raise UsageError(error.message) from error


def parse_source(text: str) -> str:
    """Return the name of a source. Raises UsageError."""
    return inputs.parse_one_line("The source", text)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "status": parse_status,
    "broker": inputs.parse_name_or_id,
    "state": parse_state,
    "county": parse_county,
    "min_score": parse_score,
    "max_score": parse_score,
    "created_since": parse_since,
    "updated_since": parse_since,
    "source": parse_source,
    "upload": inputs.parse_uuid,
}
"""Parser of each condition, for options and for `--where`."""
FILTER_NAMES = tuple(name.replace("_", "-") for name in _PARSERS)


def parse_where(conditions: Sequence[str]) -> LeadFilter:
    """Return the filter of `NAME=VALUE` texts. Only the status may be repeated. Raises UsageError."""
    given: dict[str, Any] = {}
    for text in conditions:
        shown, separator, value = text.partition("=")
        name = shown.strip().lower().replace("-", "_")
        if name not in _PARSERS or not separator:
            raise UsageError(f"{text!r} is not a condition.", f"NAME=VALUE, with a name of: {', '.join(FILTER_NAMES)}.")
        parsed = _PARSERS[name](value)
        if name == "status":
            parsed = (*given.get(name, ()), parsed)
        elif name in given:
            raise UsageError(f"{shown.strip()} is given twice.", "All conditions hold together: give it once.")
        given[name] = parsed
    return check_filter(LeadFilter(**given))


def check_filter(wanted: LeadFilter) -> LeadFilter:
    """Return *wanted*. Raises UsageError for a range of scores that no lead is in."""
    if wanted.min_score is not None and wanted.max_score is not None and wanted.min_score > wanted.max_score:
        raise UsageError(f"No score is from {wanted.min_score} to {wanted.max_score}.", "Give the lower score first.")
    return wanted


async def iterate_lead_ids(
    connection: Connection, wanted: LeadFilter, *, before: LeadId | None = None, page_size: int = FILTER_PAGE_SIZE
) -> AsyncIterator[list[LeadId]]:
    """Yield pages of the leads that *wanted* matches, the newest id first, from the one after *before* on."""
    broker_id = await find_filter_broker(connection, wanted)
    while True:
        page = await queries.list_lead_ids(
            connection,
            statuses=list(wanted.status) if wanted.status else None,
            broker_id=broker_id,
            without_broker=wanted.broker == NO_BROKER,
            state=wanted.state,
            county=wanted.county,
            min_score=wanted.min_score,
            max_score=wanted.max_score,
            created_since=wanted.created_since,
            updated_since=wanted.updated_since,
            source=wanted.source,
            upload_id=str(wanted.upload) if wanted.upload else None,
            before=before,
            page_size=page_size,
        )
        if page:
            yield page
        if len(page) < page_size:
            return
        before = page[-1]


async def find_filter_broker(connection: Connection, wanted: LeadFilter) -> BrokerId | None:
    """Return the id of the filter's broker. Raises UsageError for a broker that does not exist."""
    return None if wanted.broker == NO_BROKER else await find_broker_id(connection, wanted.broker)


StatusOption = Annotated[
    list[LeadStatus] | None,
    typer.Option("--status", metavar="STATUS", parser=parse_status, help="Only with this status; may be repeated."),
]
BrokerOption = Annotated[
    str | None,
    typer.Option(
        "--broker", metavar="BROKER", parser=inputs.parse_name_or_id, help="Only of this broker: id or name, or none."
    ),
]
StateOption = Annotated[
    str | None, typer.Option("--state", metavar="STATE", parser=parse_state, help="Only in this state.")
]
CountyOption = Annotated[
    str | None, typer.Option("--county", metavar="COUNTY", parser=parse_county, help="Only in this county.")
]
MinScoreOption = Annotated[
    int | None, typer.Option("--min-score", metavar="SCORE", parser=parse_score, help="Only from this score on.")
]
MaxScoreOption = Annotated[
    int | None, typer.Option("--max-score", metavar="SCORE", parser=parse_score, help="Only up to this score.")
]
CreatedOption = Annotated[
    datetime | None,
    typer.Option(
        "--created-since", metavar="WHEN", parser=parse_since, help="Only created since then: 2026-03-01, or 24h."
    ),
]
UpdatedOption = Annotated[
    datetime | None,
    typer.Option("--updated-since", metavar="WHEN", parser=parse_since, help="Only changed since then."),
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", metavar="SOURCE", parser=parse_source, help="Only from this source, such as propstream."),
]
UploadOption = Annotated[
    UUID | None, typer.Option("--upload", metavar="ID", parser=inputs.parse_uuid, help="Only of this upload.")
]
