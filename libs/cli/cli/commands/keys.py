"""Partners' keys for signing uploads."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli import inputs, rewrapping, secrets
from cli.database import Connection, Row, in_transaction, partner_id, queries
from cli.errors import RefusedError
from cli.lazy import new_app
from cli.output import AsJson, console, done, print_json, say, show_rows
from cli.settings import CliSettings
from cli.signing import Scheme

app = new_app("Partners' keys for signing: add, rotate, revoke.")

_COLUMNS = {"key_id": "key", "partner": "partner", "scheme": "scheme", "active": "active",
            "created_at": "since", "last_used_at": "last used", "revoked_at": "revoked"}  # fmt: skip

KeyId = Annotated[str, typer.Argument(metavar="KEY", parser=inputs.named, help="The key's id.")]
NewKeyId = Annotated[
    str | None,
    typer.Option(
        "--key-id",
        metavar="KEY",
        parser=inputs.key_id,
        help="Name the new key; default: the partner's name and four digits.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        parser=inputs.file_to_write,
        help="Write the secret into this new file instead of showing it.",
    ),
]


@app.command("add")
def add(
    partner: Annotated[str, typer.Argument(metavar="PARTNER", parser=inputs.named, help="The partner's name or id.")],
    scheme: Annotated[
        Scheme,
        typer.Option(help="v2 signs timestamp and body (recommended); body signs the body alone, as the documents do."),
    ] = Scheme.V2,
    key_id: NewKeyId = None,
    out: Out = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a key for a partner. Its secret is shown once, now."""

    async def work(connection: Connection) -> Row:
        owner = await partner_id(connection, partner)
        return await _make(connection, Row(partner=partner, partner_id=owner, scheme=scheme.value), key_id, out)

    _show_new(in_transaction(work), out, as_json=as_json)


@app.command("list")
def list_keys(
    partner: Annotated[
        str | None, typer.Option(metavar="PARTNER", parser=inputs.named, help="Only this partner's: id or name.")
    ] = None,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Revoked ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List keys: whose, for which scheme, when they were last used."""

    async def work(connection: Connection) -> list[Row]:
        owner = await partner_id(connection, partner) if partner else None
        return [dict(row) async for row in queries.list_keys(connection, all=show_all, partner_id=owner)]

    show_rows(in_transaction(work), _COLUMNS, as_json=as_json, empty="No keys yet. Make one: equity keys add PARTNER")


@app.command()
def rotate(key: KeyId, key_id: NewKeyId = None, out: Out = None, *, as_json: AsJson = False) -> None:
    """Make a second key like KEY. Both work until KEY is revoked, so that the partner can change over in peace."""

    async def work(connection: Connection) -> Row:
        return await _make(connection, await _active(connection, key), key_id, out)

    _show_new(in_transaction(work), out, as_json=as_json)
    say(f"When the partner signs with the new key: equity keys revoke {key}")


@app.command()
def revoke(
    key: KeyId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Also when it is the partner's last key.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a key out of use at once."""

    async def work(connection: Connection) -> None:
        found = await _active(connection, key)
        others = await queries.count_other_active_keys(connection, partner_id=found["partner_id"], key_id=key)
        if not others and not yes:
            raise RefusedError(
                f"{key} is the last key of {found['partner']}: without it the partner cannot upload.",
                f"Make a new one first (equity keys rotate {key}), or say --yes.",
            )
        await queries.revoke_key(connection, key_id=key)

    in_transaction(work)
    done(
        f"{key} is revoked. What it signs is refused within seconds.", {"key_id": key, "active": False}, as_json=as_json
    )


@app.command()
def rewrap(*, as_json: AsJson = False) -> None:
    """Seal anew under ENCRYPTION_KEY what an older master key sealed; that one is in ENCRYPTION_KEYS_RETIRED.

    May be stopped and run again, while everything works. Afterwards the older key opens nothing that is stored.
    """
    counts = asyncio.run(rewrapping.rewrap(CliSettings(), lambda what, count: say(f"{what}: {count:,}")))
    done("Everything is sealed under " + CliSettings().encryption_key_id + ".", counts, as_json=as_json)


async def _active(connection: Connection, key: str) -> Row:
    found = await queries.find_key(connection, key_id=key)
    if found is None:
        raise RefusedError(f"There is no key {key!r}.", "`equity keys list --all` shows them.")
    if not found["active"]:
        raise RefusedError(f"{key} is revoked already.", f"Make a new one: equity keys add {found['partner']!r}")
    return dict(found)


async def _make(connection: Connection, like: Row, key_id: str | None, out: Path | None) -> Row:
    """A new key for the partner and scheme of *like*, with its secret, which is nowhere else in clear."""
    chosen = key_id or secrets.new_key_id(like["partner"])
    if await queries.find_key(connection, key_id=chosen):
        raise RefusedError(f"There is a key {chosen!r} already.", "Name another by --key-id.")
    secret = secrets.new_secret()
    await queries.add_key(
        connection,
        key_id=chosen,
        partner_id=like["partner_id"],
        scheme=like["scheme"],
        secret_sealed=secrets.seal(chosen, secret),
    )
    if out:
        secrets.write_new(out, secret)
    return {"key_id": chosen, "partner": like["partner"], "scheme": like["scheme"], "secret": None if out else secret}


def _show_new(key: Row, out: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json(key)
        return
    console().print(f"key     {key['key_id']}\nscheme  {key['scheme']}\nsecret  {out or key['secret']}", markup=False)
    if not out:
        say("The secret is shown this once. Hand it over by a safe way; docs/hmac-guide.md says how to sign with it.")
    say("The gateway knows the key within seconds.")
