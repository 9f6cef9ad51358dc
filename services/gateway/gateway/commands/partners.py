"""Partners who upload leads."""

from typing import Annotated

import typer

from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import Connection, find_broker_id, require_broker_id, run_in_transaction
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_fields, print_message, print_rows
from common.ids import PartnerId, new_id
from gateway.commands import command_queries as queries
from gateway.commands.command_queries import AddedPartner

app = new_app(
    "Partners who upload leads.", panel="Partners and brokers", summary="Partners who upload leads.", order=20
)

_COLUMNS = {"id": "id", "name": "name", "brokers": "may assign to", "default_broker": "assigns to",
            "active_keys": "keys", "uploads": "uploads", "created_at": "since"}  # fmt: skip


@app.command("add")
def add_partner(
    name: Annotated[str, typer.Argument(metavar="NAME", parser=inputs.parse_new_name, help="The partner's name.")],
    broker: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BROKER",
            parser=inputs.parse_name_or_id,
            help="A broker whose leads this partner may write; repeat it. Default: any.",
        ),
    ] = None,
    default_broker: Annotated[
        str | None,
        typer.Option(
            metavar="BROKER",
            parser=inputs.parse_name_or_id,
            help="The broker of uploads that name none. Default: by territory.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add a partner. It can upload once it has a key."""

    async def work(connection: Connection) -> AddedPartner:
        if await queries.find_partner_id(connection, name_or_id=name):
            raise CommandRefusedError(f"There is a partner {name!r} already.", "`equity partners list` shows it.")
        allowed = [await require_broker_id(connection, named) for named in broker] if broker else None
        chosen = await find_broker_id(connection, default_broker)
        if allowed is not None and chosen is not None and chosen not in allowed:
            allowed.append(chosen)
        return await queries.add_partner(
            connection, partner_id=PartnerId(new_id()), name=name, broker_ids=allowed, default_broker_id=chosen
        )

    print_fields(run_in_transaction(work, service="gateway"), as_json=as_json)
    print_message(f"Next: equity keys add {name!r}")


@app.command("list")
def list_partners(*, as_json: AsJson = False) -> None:
    """List partners, the brokers they may assign to, and their keys."""
    print_rows(
        run_in_transaction(queries.list_partners, service="gateway"),
        _COLUMNS,
        as_json=as_json,
        empty="No partners yet. Add one: equity partners add NAME",
    )


async def find_partner_id(connection: Connection, name_or_id: str) -> PartnerId:
    """Return the id of the partner with this name or id. Raises UsageError when there is no such partner."""
    found = await queries.find_partner_id(connection, name_or_id=name_or_id)
    if found is None:
        raise UsageError(f"There is no partner {name_or_id!r}.", "`equity partners list` shows them; `add` makes one.")
    return found
