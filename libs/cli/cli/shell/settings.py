"""Settings of the command line, from the environment."""

from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import Field, SecretStr

from common.calendar import clock
from common.settings import Settings

DEFAULT_KEY_ID = "default"
"""The key that HMAC_SECRET_KEY alone names: a single key, of the `body` scheme (docs/hmac-guide.md)."""


class CliSettings(Settings):
    """The shared settings, and the way to the gateway and to the database under its owner's login."""

    database_direct_url: SecretStr | None = Field(
        None,
        description="Connection string of the database's owner for `equity db …`, past any pooler. Unset: `DATABASE_URL`.",
    )
    gateway_url: str | None = Field(
        None, description="Address at which partners reach the gateway. Unset: this machine, `GATEWAY_PORT`."
    )
    gateway_port: int = Field(8080, ge=0, le=65535, description="Port of a gateway on this machine.")
    hmac_key_id: str = Field(DEFAULT_KEY_ID, description="Id of the key that signs uploads of `equity upload`.")
    hmac_secret_key: SecretStr | None = Field(None, description="Secret of the key that signs uploads.")
    kafka_replication: int = Field(
        1, ge=1, description="Replicas of each topic that `equity topics apply` creates: 3 in production."
    )

    sandbox_url: str | None = Field(None, description="Address of the sandbox in a demonstration.")
    melissa_url: str | None = Field(None, description="As for the services; `equity demo` requires the sandbox here.")
    melissa_license_key: SecretStr | None = Field(None, description="As for the services.")
    batchdata_url: str | None = Field(None, description="As for the services; `equity demo` requires the sandbox here.")
    batchdata_token: SecretStr | None = Field(None, description="As for the services.")
    instantly_base_url: str | None = Field(None, description="As for the services.")
    instantly_api_key: SecretStr | None = Field(None, description="As for the services.")
    instantly_webhook_secrets: SecretStr = Field(
        SecretStr(""), description="As for the gateway; `equity replies subscribe` gives Instantly the first one."
    )
    openrouter_base_url: str | None = Field(None, description="As for the services.")
    openrouter_api_key: SecretStr | None = Field(None, description="As for the services.")
    smtp_url: SecretStr | None = Field(
        None, description="As for the services; `equity demo` requires the sandbox here, or none."
    )

    postal_address: str | None = Field(None, description="The sender's postal address, as every email shows it.")

    @property
    def now(self) -> datetime:
        """The time of the services' clock: the machine's, unless `equity clock set` moved it."""
        with suppress(clock.ClockFileError):  # services use the machine's time then; `equity clock show` reports it
            return clock.utc_now() + (clock.clock_offset(self.clock_file) if self.clock_file else timedelta())
        return clock.utc_now()

    @property
    def owner_dsn(self) -> str:
        """The connection string of the database's owner: DATABASE_DIRECT_URL, else DATABASE_URL."""
        return (self.database_direct_url or self.database_url).get_secret_value()

    @property
    def gateway_address(self) -> str:
        """The gateway's base address, without a slash at its end."""
        return (self.gateway_url or f"http://127.0.0.1:{self.gateway_port}").rstrip("/")
