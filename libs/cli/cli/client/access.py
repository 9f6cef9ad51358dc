"""Options of the commands that send requests to the gateway as a partner, and their meaning together."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.client import secrets
from cli.client.http import GatewayClient
from cli.client.signing import SigningKey, SigningScheme
from cli.shell import inputs
from cli.shell.settings import DEFAULT_KEY_ID, CliSettings

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        parser=inputs.parse_web_address,
        help="The gateway's address; default: GATEWAY_URL, else this machine.",
    ),
]
KeyIdOption = Annotated[
    str | None,
    typer.Option(
        "--key-id",
        metavar="KEY",
        parser=inputs.parse_key_id,
        help="The key's id; default: HMAC_KEY_ID, else `default`.",
    ),
]
SecretFileOption = Annotated[
    Path | None,
    typer.Option(
        "--secret-file",
        metavar="FILE",
        parser=inputs.parse_file_or_stdin,
        help="File with the key's secret, - for stdin; default: HMAC_SECRET_KEY.",
    ),
]
SchemeOption = Annotated[
    SigningScheme | None,
    typer.Option(
        "--scheme", help="What the key signs; default: v2, but body for the key `default` of HMAC_SECRET_KEY."
    ),
]


@dataclass(frozen=True, slots=True)
class GatewayAccess:
    """The address of a gateway, and the key for it."""

    url: str
    key: SigningKey

    @classmethod
    def from_options(
        cls, url: str | None, key_id: str | None, secret_file: Path | None, scheme: SigningScheme | None
    ) -> "GatewayAccess":
        """Return the access that the options and the environment name. Raises UsageError without a secret."""
        settings = CliSettings()
        chosen = key_id or settings.hmac_key_id
        usual = SigningScheme.BODY if chosen == DEFAULT_KEY_ID else SigningScheme.V2
        key = SigningKey(chosen, secrets.read_secret(secret_file, settings), scheme or usual)
        return cls((url or settings.gateway_address).rstrip("/"), key)

    def open_client(self) -> AbstractAsyncContextManager[GatewayClient]:
        """Return a client for the time of a `with` block."""
        return GatewayClient.open_session(self.url, self.key)
