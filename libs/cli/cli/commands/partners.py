"""Partners who upload leads."""

from typing import Annotated, Any

import typer

from cli import inputs
from cli.database import Connection, broker_id, in_transaction, queries, select
from cli.errors import RefusedError
from cli.lazy import new_app
from cli.output import AsJson, say, show_fields, show_rows
from common.ids import new_id

app = new_app("Partners who upload leads.")

_COLUMNS = {"id": "id", "name": "name", "brokers": "may assign to", "default_broker": "assigns to",
            "active_keys": "keys", "uploads": "uploads", "created_at": "since"}  # fmt: skip


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", parser=inputs.name, help="The partner's name.")],
    broker: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BROKER",
            parser=inputs.named,
            help="A broker whose leads this partner may write; repeat it. Default: any.",
        ),
    ] = None,
    default_broker: Annotated[
        str | None,
        typer.Option(
            metavar="BROKER", parser=inputs.named, help="The broker of uploads that name none. Default: by territory."
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add a partner. It can upload once it has a key."""

    async def work(connection: Connection) -> Any:
        if await queries.partner_named(connection, named=name):
            raise RefusedError(f"There is a partner {name!r} already.", "`equity partners list` shows it.")
        allowed = [await broker_id(connection, named) for named in broker] if broker else None
        chosen = await broker_id(connection, default_broker)
        if allowed is not None and chosen is not None and chosen not in allowed:
            allowed.append(chosen)
        return await queries.add_partner(
            connection, id=new_id(), name=name, broker_ids=allowed, default_broker_id=chosen
        )

    show_fields(dict(in_transaction(work)), as_json=as_json)
    say(f"Next: equity keys add {name!r}")


@app.command("list")
def list_partners(*, as_json: AsJson = False) -> None:
    """List partners, the brokers they may assign to, and their keys."""
    show_rows(
        select(queries.list_partners),
        _COLUMNS,
        as_json=as_json,
        empty="No partners yet. Add one: equity partners add NAME",
    )
