"""How a command speaks to the gateway as a partner: the options, and what they mean together."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli import inputs, secrets
from cli.database import queries, select
from cli.http import Gateway
from cli.settings import DEFAULT_KEY_ID, CliSettings
from cli.signing import Scheme, SigningKey

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        parser=inputs.web_address,
        help="The gateway's address; default: GATEWAY_URL, else this machine.",
    ),
]
KeyIdOption = Annotated[
    str | None,
    typer.Option(
        "--key-id", metavar="KEY", parser=inputs.key_id, help="The key's id; default: HMAC_KEY_ID, else `default`."
    ),
]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        "--secret-file",
        metavar="FILE",
        parser=inputs.file_or_stdin,
        help="File with the key's secret, - for stdin; default: HMAC_SECRET_KEY.",
    ),
]
SchemeOption = Annotated[
    Scheme | None,
    typer.Option(
        "--scheme", help="What the key signs; default: v2, but body for the key `default` of HMAC_SECRET_KEY."
    ),
]


@dataclass(frozen=True, slots=True)
class Access:
    """A gateway and the key for it."""

    url: str
    key: SigningKey

    @classmethod
    def of(cls, url: str | None, key_id: str | None, secret_file: Path | None, scheme: Scheme | None) -> "Access":
        """The access that the options and the environment name. Raises UsageError without a secret."""
        settings = CliSettings()
        chosen = key_id or settings.hmac_key_id
        usual = Scheme.BODY if chosen == DEFAULT_KEY_ID else Scheme.V2
        key = SigningKey(chosen, secrets.read(secret_file, settings), scheme or usual)
        return cls((url or settings.gateway).rstrip("/"), key)

    @classmethod
    def of_upload(
        cls, upload: UUID, url: str | None, key_id: str | None, secret_file: Path | None, scheme: Scheme | None
    ) -> "Access":
        """The access for reading *upload*: as named; for who runs the installation, else, with its partner's key."""
        settings = CliSettings()
        named = key_id or secret_file or scheme or settings.hmac_key_id != DEFAULT_KEY_ID
        if not named and settings.database_direct_url and settings.encryption_key:
            key = secrets.usable(select(queries.keys_of_upload, upload_id=upload), settings)
            if key:
                return cls((url or settings.gateway).rstrip("/"), key)
        return cls.of(url, key_id, secret_file, scheme)

    def gateway(self) -> AbstractAsyncContextManager[Gateway]:
        """The gateway, for the time of the block."""
        return Gateway.open(self.url, self.key)
