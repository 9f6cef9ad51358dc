"""What the environment can set for the gateway."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from common.settings import Settings

Vendor = Literal["instantly", "vapi", "calcom"]


class GatewaySettings(Settings):
    """Settings of the gateway. There is none that turns verification off."""

    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(8080, ge=0, le=65535, description="0 takes a free port.")
    gateway_trusted_hops: int = Field(
        0, ge=0, le=10, description="Proxies in front of us, each of which adds the address it saw to X-Forwarded-For."
    )

    hmac_secret_key: SecretStr | None = Field(
        None, description="Secret of the key `default` of the partner `default`; the documents' single key."
    )
    gateway_require_v2: bool = Field(default=False, description="True refuses `sha256=`, which covers no time.")
    gateway_key_cache_seconds: float = Field(2, ge=0, le=60, description="How long a key's change may go unnoticed.")

    spool_directory: Path = Field(Path("spool"), description="A local disk that outlives restarts; uploads wait there.")
    gateway_max_upload_bytes: int = Field(1 << 30, ge=1)
    gateway_min_free_bytes: int = Field(256 << 20, ge=0, description="Space that uploads leave free in the spool.")
    gateway_max_receiving: int = Field(32, ge=1, description="Uploads received at the same moment.")
    gateway_read_seconds: float = Field(20, gt=0, description="The longest silence within an upload's body.")
    gateway_receive_seconds: float = Field(1_800, gt=0, description="The longest time for a whole body.")

    gateway_failures_per_minute: int = Field(30, ge=1, description="Refused requests of one client address, a replica.")
    gateway_uploads_per_minute: int = Field(60, ge=1, description="Uploads of one key, a replica.")

    gateway_publish_at_once: int = Field(4, ge=1, le=32, description="Uploads whose rows are sent side by side.")
    gateway_ahead_rows: int = Field(
        2_000, ge=1, description="Rows that may wait on the topic for ingest before large uploads are held back."
    )
    gateway_lost_disk_seconds: float = Field(
        900, ge=60, description="A file is asked for again after so long without a sign of the disk that holds it."
    )

    gateway_stalled_seconds: float = Field(
        900, gt=0, description="An upload whose published rows make no progress for so long is published again."
    )
    gateway_stalled_check_seconds: float = Field(60, gt=0, description="How often stalled uploads are looked for.")

    instantly_webhook_secrets: SecretStr = Field(SecretStr(""), description="Comma-separated: each is accepted.")
    vapi_webhook_secrets: SecretStr = Field(SecretStr(""), description="Comma-separated: each is accepted.")
    calcom_webhook_secrets: SecretStr = Field(SecretStr(""), description="Comma-separated: each is accepted.")

    def webhook_secrets(self, vendor: Vendor) -> tuple[bytes, ...]:
        """The secrets that *vendor* may use now; none: the vendor is not connected."""
        secrets: SecretStr = getattr(self, f"{vendor}_webhook_secrets")
        return tuple(part.strip().encode() for part in secrets.get_secret_value().split(",") if part.strip())
