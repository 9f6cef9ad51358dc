"""Keys of partners for signing. The gateway may read and use keys but not change them, so these commands run as the owner."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from cli.client.signing import SigningKey, SigningScheme
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import Connection, connect, run_in_transaction
from cli.shell.errors import CommandRefusedError
from cli.shell.output import AsJson, new_console, print_done, print_json, print_message, print_rows, to_fields
from cli.shell.reencryption import EncryptedColumn, reencrypt_all, reencrypt_value
from cli.shell.settings import CliSettings
from common.ids import PartnerId, new_id
from gateway.commands import command_queries as queries
from gateway.commands import secrets
from gateway.commands.command_queries import ListedKey, OutdatedPartnerKey, StoredKey
from gateway.commands.partners import find_partner_id
from gateway.uploads.keys import SECRET_PURPOSE

app = new_app(
    "Partners' keys for signing: add, rotate, revoke.",
    panel="Partners and brokers",
    summary="Partners' keys for signing: add, rotate, revoke.",
    order=30,
)

_COLUMNS = {"key_id": "key", "partner": "partner", "scheme": "scheme", "active": "active",
            "created_at": "since", "last_used_at": "last used", "revoked_at": "revoked"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made."""

    key_id: str
    partner: str
    scheme: SigningScheme
    secret: str = field(repr=False)


KeyArgument = Annotated[str, typer.Argument(metavar="KEY", parser=inputs.parse_name_or_id, help="The key's id.")]
NewKeyIdOption = Annotated[
    str | None,
    typer.Option(
        "--key-id",
        metavar="KEY",
        parser=inputs.parse_key_id,
        help="Name the new key; default: the partner's name and four digits.",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        parser=inputs.parse_new_file,
        help="Write the secret into this new file instead of showing it.",
    ),
]


@app.command("add")
def add_key(
    partner: Annotated[
        str, typer.Argument(metavar="PARTNER", parser=inputs.parse_name_or_id, help="The partner's name or id.")
    ],
    scheme: Annotated[
        SigningScheme,
        typer.Option(
            help="v2 signs timestamp and body (recommended); body signs the body alone, as the key in HMAC_SECRET_KEY does."
        ),
    ] = SigningScheme.V2,
    key_id: NewKeyIdOption = None,
    out: OutOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a key for a partner. Its secret is shown once, now."""

    async def work(connection: Connection) -> NewKey:
        owner = await find_partner_id(connection, partner)
        return await _make_key(connection, partner, owner, scheme, key_id, out)

    _print_new_key(run_in_transaction(work), out, as_json=as_json)


@app.command("list")
def list_keys(
    partner: Annotated[
        str | None,
        typer.Option(metavar="PARTNER", parser=inputs.parse_name_or_id, help="Only this partner's: id or name."),
    ] = None,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Revoked ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List keys: whose, for which scheme, when they were last used."""

    async def work(connection: Connection) -> list[ListedKey]:
        owner = await find_partner_id(connection, partner) if partner else None
        return await queries.list_keys(connection, with_revoked=show_all, partner_id=owner)

    rows = run_in_transaction(work)
    print_rows(rows, _COLUMNS, as_json=as_json, empty="No keys yet. Make one: equity keys add PARTNER")


@app.command("rotate")
def rotate_key(
    key: KeyArgument, key_id: NewKeyIdOption = None, out: OutOption = None, *, as_json: AsJson = False
) -> None:
    """Make a second key like KEY. Both work until KEY is revoked, so that the partner can change over in peace."""

    async def work(connection: Connection) -> NewKey:
        like = await _find_active_key(connection, key)
        return await _make_key(connection, like.partner, like.partner_id, SigningScheme(like.scheme), key_id, out)

    _print_new_key(run_in_transaction(work), out, as_json=as_json)
    print_message(f"When the partner signs with the new key: equity keys revoke {key}")


@app.command("revoke")
def revoke_key(
    key: KeyArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Also when it is the partner's last key.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a key out of use at once."""

    async def work(connection: Connection) -> None:
        found = await _find_active_key(connection, key)
        others = await queries.count_other_active_keys(connection, partner_id=found.partner_id, key_id=key)
        if not others and not yes:
            raise CommandRefusedError(
                f"{key} is the last key of {found.partner}: without it the partner cannot upload.",
                f"Make a new one first (equity keys rotate {key}), or say --yes.",
            )
        await queries.revoke_key(connection, key_id=key)

    run_in_transaction(work)
    print_done(
        f"{key} is revoked. What it signs is refused within seconds.", {"key_id": key, "active": False}, as_json=as_json
    )


@app.command("rewrap")
def rewrap_stored_values(*, as_json: AsJson = False) -> None:
    """Encrypt stored values under ENCRYPTION_KEY that an older master key, in ENCRYPTION_KEYS_RETIRED, encrypted.

    It may be stopped and run again, while the services run. Afterwards the older key opens no stored value.
    """
    counts = asyncio.run(reencrypt_all(CliSettings(), lambda label, count: print_message(f"{label}: {count:,}")))
    print_done("Everything is encrypted under " + CliSettings().encryption_key_id + ".", counts, as_json=as_json)


async def _find_active_key(connection: Connection, key: str) -> StoredKey:
    found = await queries.find_key(connection, key_id=key)
    if found is None:
        raise CommandRefusedError(f"There is no key {key!r}.", "`equity keys list --all` shows them.")
    if not found.active:
        raise CommandRefusedError(f"{key} is revoked already.", f"Make a new one: equity keys add {found.partner!r}")
    return found


async def _make_key(
    connection: Connection,
    partner: str,
    partner_id: PartnerId,
    scheme: SigningScheme,
    key_id: str | None,
    out: Path | None,
) -> NewKey:
    """Make a key and write its secret into the file *out*, if there is one. The database has the secret only encrypted."""
    chosen = key_id or secrets.new_key_id(partner)
    if await queries.find_key(connection, key_id=chosen):
        raise CommandRefusedError(f"There is a key {chosen!r} already.", "Name another by --key-id.")
    secret = secrets.new_secret()
    await queries.add_key(
        connection,
        key_id=chosen,
        partner_id=partner_id,
        scheme=scheme,
        secret_encrypted=secrets.encrypt_secret(chosen, secret),
    )
    if out:
        secrets.write_secret_file(out, secret)
    return NewKey(chosen, partner, scheme, secret)


def _print_new_key(key: NewKey, out: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json(to_fields(key) | {"secret": None if out else key.secret})
        return
    new_console().print(f"key     {key.key_id}\nscheme  {key.scheme}\nsecret  {out or key.secret}", markup=False)
    if not out:
        print_message(
            "The secret is shown this once. Send it by a safe channel; docs/hmac-guide.md says how to sign with it."
        )
    print_message("The gateway knows the key within seconds.")


async def prepare_demo_key(partner: str) -> tuple[SigningKey, bool]:
    """Return a signing key of *partner* for the demo, and whether it is new. Both are made where they are missing."""
    async with connect(CliSettings().owner_dsn) as connection, connection.transaction():
        partner_id = await queries.find_partner_id(connection, name_or_id=partner)
        if partner_id is None:
            partner_id = PartnerId(new_id())
            await queries.add_partner(
                connection, partner_id=partner_id, name=partner, broker_ids=None, default_broker_id=None
            )
            print_message(f"Made the partner {partner!r}.")
        stored = await queries.list_signing_keys(connection, partner_id=partner_id)
        if key := secrets.find_usable_key(stored, CliSettings()):
            return key, False
        made = await _make_key(connection, partner, partner_id, SigningScheme.V2, None, None)
    print_message(f"Made the key {made.key_id!r}.")
    return SigningKey(made.key_id, made.secret.encode(), made.scheme), True


ENCRYPTED_COLUMNS = (
    EncryptedColumn[OutdatedPartnerKey](
        "partner keys",
        find_outdated=lambda connection, key_id, _, page_size: queries.find_outdated_keys(
            connection, master_key_id=key_id, page_size=page_size
        ),
        reencrypt=lambda keyring, row: reencrypt_value(keyring, SECRET_PURPOSE, row.key_id.encode(), row.encrypted),
        save=lambda connection, rows, values: queries.save_secrets(
            connection, key_ids=[row.key_id for row in rows], encrypted=values
        ),
        needs_owner=True,
    ),
)
