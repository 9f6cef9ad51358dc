"""Brokers and their territories."""

import shlex
from datetime import date
from typing import Annotated
from uuid import UUID

import typer

from cli.commands import broker_queries as queries
from cli.commands.broker_queries import AddedBroker, BrokerDetails, ListedBroker
from cli.shell import inputs
from cli.shell.app import new_app, new_subgroup
from cli.shell.database import Connection, require_broker_id, role_of, run_in_transaction
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.inputs import Territory
from cli.shell.output import AsJson, print_done, print_fields, print_message, print_rows, to_fields
from cli.shell.queries import find_broker_id
from common.ids import BrokerId

app = new_app(
    "Brokers and their territories.", panel="Partners and brokers", summary="Brokers and their territories.", order=10
)
territory = new_subgroup("Where a broker's leads lie. ZIP goes before county, county before state.")
app.add_typer(territory, name="territory")

Broker = Annotated[str, typer.Argument(metavar="BROKER", parser=inputs.parse_name_or_id, help="Id or name.")]
State = Annotated[str, typer.Argument(metavar="STATE", help="Two letters or the name, such as FL.")]
County = Annotated[str | None, typer.Option("--county", metavar="COUNTY", help="The whole county, such as Pinellas.")]
Zip = Annotated[str | None, typer.Option("--zip", metavar="ZIP", help="One ZIP code, five digits.")]

Email = Annotated[
    str | None,
    typer.Option("--email", metavar="ADDRESS", parser=inputs.parse_email, help="Address for news of appointments."),
]
BookingLink = Annotated[
    str | None,
    typer.Option("--booking-link", metavar="URL", parser=inputs.parse_web_address, help="The broker's Cal.com page."),
]

LegalName = Annotated[
    str | None,
    typer.Option(
        "--legal-name", metavar="NAME", parser=inputs.parse_new_name, help="Name of the firm, as consent texts give it."
    ),
]

_COLUMNS = {"id": "id", "name": "name", "email": "email", "daily_limit": "a day", "active": "active",
            "territories": "territories", "leads": "leads"}  # fmt: skip


@app.command("add")
def add_broker(
    name: Annotated[str, typer.Argument(metavar="NAME", parser=inputs.parse_new_name, help="The broker's name.")],
    email: Email = None,
    daily_limit: Annotated[int, typer.Option(min=0, max=5000, help="New leads in campaigns a weekday.")] = 250,
    booking_link: BookingLink = None,
    legal_name: LegalName = None,
    broker: Annotated[
        UUID | None,
        typer.Option(
            "--id", metavar="ID", parser=inputs.parse_uuid, help="Id of the user who signs in; default: a new one."
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add a broker. Leads come to it by territory, or by the partner's choice."""

    async def work(connection: Connection) -> AddedBroker:
        await _refuse_taken_name(connection, name)
        return await queries.add_broker(
            connection,
            broker_id=BrokerId(broker) if broker else None,
            name=name,
            legal_name=legal_name,
            email=email,
            daily_limit=daily_limit,
            booking_link=booking_link,
        )

    print_fields(run_in_transaction(work), as_json=as_json)
    if legal_name is None:
        print_message(
            f"No owner can consent to calls before it has a legal name: equity brokers set {name!r} --legal-name NAME"
        )
    print_message(f"Next: equity brokers territory add {name!r} FL")


@app.command("list")
def list_brokers(
    *, show_all: Annotated[bool, typer.Option("--all", help="Disabled ones too.")] = False, as_json: AsJson = False
) -> None:
    """List brokers, their territories and how many leads they have."""

    async def work(connection: Connection) -> tuple[list[ListedBroker], int]:
        rows = await queries.list_brokers(connection, with_disabled=show_all)
        return rows, await queries.count_unassigned_leads(connection)

    rows, unassigned = run_in_transaction(work)
    print_rows(
        rows,
        _COLUMNS,
        as_json=as_json,
        empty="No brokers yet. Add one: equity brokers add NAME",
        first=("name", "active", "leads", "territories"),
    )
    if unassigned:
        print_message(f"{unassigned:,} leads have no broker: they stay, and go into no campaign.")


@app.command("show")
def show_broker(broker: Broker, *, as_json: AsJson = False) -> None:
    """Show a broker, its territories, and its leads by status."""

    async def work(connection: Connection) -> BrokerDetails:
        return await queries.show_broker(connection, broker_id=await require_broker_id(connection, broker))

    print_fields(run_in_transaction(work), as_json=as_json)


@app.command("disable")
def disable_broker(broker: Broker, *, as_json: AsJson = False) -> None:
    """Give a broker no more leads, and pause their campaigns. Nothing is deleted."""
    _set_active(broker, active=False, as_json=as_json)


@app.command("enable")
def enable_broker(broker: Broker, *, as_json: AsJson = False) -> None:
    """Give a disabled broker leads again; their campaigns go on."""
    _set_active(broker, active=True, as_json=as_json)


@app.command("set")
def change_broker(
    broker: Broker,
    daily_limit: Annotated[
        int | None, typer.Option(min=0, max=5000, help="New leads in campaigns a weekday; holds from the next feed on.")
    ] = None,
    days: Annotated[str | None, typer.Option(metavar="DAYS", help="Feed days, such as mon,tue,thu.")] = None,
    holidays: Annotated[
        bool | None, typer.Option("--holidays/--no-holidays", help="Feed on federal holidays or not.")
    ] = None,
    day_off: Annotated[
        list[date] | None,
        typer.Option(
            metavar="DATE", parser=inputs.parse_day, help="A day without a feed, as 2027-03-01; may be repeated."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", parser=inputs.parse_new_name, help="A new name.")] = None,
    legal_name: LegalName = None,
    email: Email = None,
    booking_link: BookingLink = None,
    daily_calls: Annotated[int | None, typer.Option(min=0, max=5000, help="Calls a day.")] = None,
    calls_per_hour: Annotated[int | None, typer.Option(min=0, max=5000, help="Calls in any 60 minutes.")] = None,
    *,
    clear_days_off: Annotated[bool, typer.Option("--clear-days-off", help="Remove the days off so far.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change a broker's names, email or booking link, how many leads they get, on which days, and the limits of calls."""
    given = (daily_limit, days, holidays, day_off, name, legal_name, email, booking_link, daily_calls, calls_per_hour)
    if not clear_days_off and all(value is None for value in given):
        raise UsageError("There is nothing to change.", "Give at least one option: equity brokers set --help")
    weekdays = None if days is None else _parse_weekdays(days)

    async def work(connection: Connection) -> BrokerDetails:
        found = await require_broker_id(connection, broker)
        if name:
            await _refuse_taken_name(connection, name, but=found)
        await queries.set_names_and_calls(
            connection,
            broker_id=found,
            name=name,
            legal_name=legal_name,
            email=email,
            booking_link=booking_link,
            daily_calls=daily_calls,
            calls_per_hour=calls_per_hour,
        )
        await queries.set_feeding(
            connection,
            broker_id=found,
            daily_limit=daily_limit,
            weekdays=weekdays,
            on_holidays=holidays,
            set_holidays=holidays is not None,
            days_off=[] if clear_days_off else None,
            more_days_off=day_off or [],
        )
        return await queries.show_broker(connection, broker_id=found)

    print_fields(run_in_transaction(work), as_json=as_json)


async def _refuse_taken_name(connection: Connection, name: str, *, but: BrokerId | None = None) -> None:
    """Raise CommandRefusedError if a broker other than *but* has this name."""
    holder = await find_broker_id(connection, name_or_id=name)
    if holder and holder != but:
        raise CommandRefusedError(f"There is a broker {name!r} already.", "`equity brokers list --all` shows it.")


def _parse_weekdays(text: str) -> list[int]:
    """Return the ISO numbers of days, separated by commas in *text*. Raises UsageError for any other word."""
    numbers = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5}
    try:
        return sorted({numbers[day.strip().lower()[:3]] for day in text.split(",")})
    except KeyError as error:
        raise UsageError(f"{text!r} is not a list of weekdays.", "Such as mon,tue,thu; never sat or sun.") from error


def _set_active(broker: str, *, active: bool, as_json: bool) -> None:
    async def work(connection: Connection) -> BrokerId:
        found = await require_broker_id(connection, broker)
        if await queries.set_broker_active(connection, broker_id=found, active=active):
            async with role_of("feeder", connection):
                await queries.mark_campaigns_due(connection, broker_id=found)
        return found

    print_done(
        f"{broker} is {'active' if active else 'disabled'}.",
        {"id": run_in_transaction(work), "active": active},
        as_json=as_json,
    )


@territory.command("add")
def add_territory(
    broker: Broker, state: State, county: County = None, zip_code: Zip = None, *, as_json: AsJson = False
) -> None:
    """Give a broker a state, a county of it, or one ZIP code."""
    area = inputs.parse_territory(state, county, zip_code)

    async def work(connection: Connection) -> int:
        owner = await require_broker_id(connection, broker)
        if holder := await queries.find_territory_holder(
            connection, broker_id=owner, state=area.state, county=area.county, zip_code=area.zip
        ):
            raise CommandRefusedError(
                f"{holder.name} has {_format_area(area)} already.",
                "" if holder.id == owner else f"Take it away first: {_format_removal(holder.name, area)}",
            )
        await queries.add_territory(
            connection, broker_id=owner, state=area.state, county=area.county, zip_code=area.zip
        )
        return await queries.count_waiting_leads(
            connection, broker_id=owner, state=area.state, county=area.county, zip_code=area.zip
        )

    waiting = run_in_transaction(work)
    message = f"{broker} now has {_format_area(area)}. New leads are assigned by it."
    print_done(message, to_fields(area) | {"waiting_leads": waiting}, as_json=as_json)
    if waiting:
        print_message(
            f"Leads without a broker there: {waiting:,}. Ingest assigns them within a minute, if the broker is active."
        )


@territory.command("remove")
def remove_territory(
    broker: Broker, state: State, county: County = None, zip_code: Zip = None, *, as_json: AsJson = False
) -> None:
    """Take a territory away. Leads that were assigned stay with the broker."""
    areas = inputs.parse_held_territories(state, county, zip_code)

    async def work(connection: Connection) -> Territory:
        owner = await require_broker_id(connection, broker)
        for area in areas:
            if await queries.remove_territory(
                connection, broker_id=owner, state=area.state, county=area.county, zip_code=area.zip
            ):
                return area
        raise CommandRefusedError(
            f"{broker} does not have {_format_area(areas[0])}.", f"See: equity brokers show {broker!r}"
        )

    area = run_in_transaction(work)
    print_done(f"{broker} no longer has {_format_area(area)}.", to_fields(area), as_json=as_json)


def _format_removal(broker: str, area: Territory) -> str:
    """Return the command that takes *area* away from *broker*."""
    words = ["equity", "brokers", "territory", "remove", broker, area.state]
    words += ["--county", area.county] if area.county else []
    words += ["--zip", area.zip] if area.zip else []
    return shlex.join(words)


def _format_area(area: Territory) -> str:
    return " ".join(filter(None, (area.state, area.county, area.zip)))
