"""Settings of the gateway."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from common.settings import Settings

VendorName = Literal["instantly", "vapi", "calcom"]


class GatewaySettings(Settings):
    """Settings of the gateway. No setting turns the verification of signatures off."""

    gateway_host: str = Field("127.0.0.1", description="Address on which the gateway listens.")
    gateway_port: int = Field(8080, ge=0, le=65535, description="Port of the gateway; 0 takes a free one.")
    gateway_trusted_hops: int = Field(
        0,
        ge=0,
        le=10,
        description="Proxies before the gateway, each of which adds the client's address to X-Forwarded-For.",
    )

    hmac_secret_key: SecretStr | None = Field(
        None, description="Secret of the key `default` of the partner `default`, scheme `body`."
    )
    gateway_require_v2: bool = Field(
        default=False, description="True refuses signatures with `sha256=`, which cover no time."
    )
    gateway_key_cache_seconds: float = Field(
        2, ge=0, le=60, description="Time until a new or revoked key takes effect."
    )

    spool_directory: Path = Field(
        Path("spool"), description="Directory for uploads, on a local disk that outlives restarts."
    )
    gateway_max_upload_bytes: int = Field(1 << 30, ge=1, description="Largest upload in bytes.")
    gateway_max_dry_run_bytes: int = Field(10_000_000, ge=1, description="Largest file of a dry run in bytes.")
    gateway_min_free_bytes: int = Field(
        256 << 20, ge=0, description="Free space that uploads leave on the spool's disk."
    )
    gateway_max_receiving: int = Field(32, ge=1, description="Uploads that are received at the same time.")
    gateway_read_seconds: float = Field(20, gt=0, description="Longest pause within the body of a request.")
    gateway_receive_seconds: float = Field(1_800, gt=0, description="Longest time for the whole body of an upload.")

    gateway_failures_per_minute: int = Field(
        30, ge=1, description="Refused requests of one client address, counted by each replica."
    )
    gateway_uploads_per_minute: int = Field(60, ge=1, description="Uploads of one key, counted by each replica.")

    gateway_publish_concurrency: int = Field(
        4, ge=1, le=32, description="Uploads whose rows are published at the same time."
    )
    gateway_max_backlog_rows: int = Field(
        2_000, ge=1, description="Rows that may wait on the topic for ingest before large uploads wait in the spool."
    )
    gateway_lost_disk_seconds: float = Field(
        900, ge=60, description="Time without a heartbeat of its disk after which a file is asked for again."
    )

    gateway_stalled_seconds: float = Field(
        900, gt=0, description="Time without progress after which an upload's published rows are published again."
    )
    gateway_stalled_check_seconds: float = Field(60, gt=0, description="Interval of the search for stalled uploads.")

    instantly_webhook_secrets: SecretStr = Field(
        SecretStr(""),
        description="Accepted secrets of Instantly's webhooks, separated by commas. Unset: none is accepted.",
    )
    vapi_webhook_secrets: SecretStr = Field(
        SecretStr(""), description="Accepted secrets of VAPI's webhooks, separated by commas. Unset: none is accepted."
    )
    calcom_webhook_secrets: SecretStr = Field(
        SecretStr(""),
        description="Accepted secrets of Cal.com's webhooks, separated by commas. Unset: none is accepted.",
    )

    def webhook_secrets(self, vendor: VendorName) -> tuple[bytes, ...]:
        """Return the accepted secrets of *vendor*. Without any, the vendor is not connected."""
        secrets: SecretStr = getattr(self, f"{vendor}_webhook_secrets")
        return tuple(part.strip().encode() for part in secrets.get_secret_value().split(",") if part.strip())
