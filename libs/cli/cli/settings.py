"""What the environment can set for the command line."""

from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import Field, SecretStr

from common import clock
from common.settings import Settings

DEFAULT_KEY_ID = "default"
"""The key that HMAC_SECRET_KEY alone stands for: the documents' single key, of the `body` scheme."""


class CliSettings(Settings):
    """The shared settings, and how the command line reaches the gateway and the database's owner."""

    database_direct_url: SecretStr | None = Field(None, description="The owner's login, past any pooler.")
    gateway_url: str | None = Field(None, description="Where partners reach the gateway; default: here, GATEWAY_PORT.")
    gateway_port: int = Field(8080, ge=0, le=65535)
    hmac_key_id: str = DEFAULT_KEY_ID
    hmac_secret_key: SecretStr | None = None
    kafka_replication: int = Field(1, ge=1, description="Replicas of each topic: 3 in production.")

    sandbox_url: str | None = Field(None, description="Where the vendors' stand-ins listen, in a demonstration.")
    melissa_url: str | None = None
    melissa_license_key: SecretStr | None = None
    batchdata_url: str | None = None
    batchdata_token: SecretStr | None = None
    instantly_base_url: str | None = None
    instantly_api_key: SecretStr | None = None

    postal_address: str | None = Field(None, description="The sender's postal address, as it stands in every email.")

    @property
    def now(self) -> datetime:
        """The time that the services' clock shows: the machine's, or what `equity clock set` made of it."""
        with suppress(clock.ClockFileError):  # services go by the machine's time then; `equity clock show` says so
            return clock.utc_now() + (clock.ahead(self.clock_file) if self.clock_file else timedelta())
        return clock.utc_now()

    @property
    def admin_dsn(self) -> str:
        """The connection string of administration: DATABASE_DIRECT_URL, else DATABASE_URL."""
        return (self.database_direct_url or self.database_url).get_secret_value()

    @property
    def gateway(self) -> str:
        """The gateway's base address, without a slash at its end."""
        return (self.gateway_url or f"http://127.0.0.1:{self.gateway_port}").rstrip("/")
