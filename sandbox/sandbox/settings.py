"""Settings of the sandbox, read from the environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from common.settings import Settings


class SandboxSettings(Settings):
    """Settings of the sandbox. Its keys are not secrets: they give access to the sandbox only."""

    sandbox_host: str = Field("127.0.0.1", description="Address on which the sandbox listens.")
    sandbox_port: int = Field(8090, ge=0, le=65535, description="Port of the sandbox; 0 takes a free one.")
    health_port: int = Field(
        0, ge=0, le=65535, description="Port of `/livez`, `/readyz` and `/metrics`; 0 takes a free one."
    )

    sandbox_state_file: Path | None = Field(
        None,
        description="File that keeps Instantly's state and the paid records over a restart. Unset: kept in memory only.",
    )
    sandbox_seed: str = Field("equity", description="Another seed gives other people at the same addresses.")

    sandbox_melissa_license: SecretStr = Field(
        SecretStr("sandbox-melissa-license"), description="Licence key that the sandbox accepts as Melissa."
    )
    sandbox_melissa_records_per_second: int = Field(
        200, ge=1, description="Limit of a licence; 200 is that of a business licence."
    )
    sandbox_batchdata_token: SecretStr = Field(
        SecretStr("sandbox-batchdata-token-0000000000000000"),
        description="Token that the sandbox accepts as BatchData.",
    )
    sandbox_batchdata_requests_per_minute: int = Field(3_000, ge=1, description="Limit of a token at BatchData.")
    sandbox_instantly_key: SecretStr = Field(
        SecretStr("sandbox-instantly-key"), description="API key that the sandbox accepts as Instantly."
    )
    sandbox_instantly_requests_per_second: int = Field(100, ge=1, description="Limit of a workspace at Instantly.")
    sandbox_instantly_requests_per_minute: int = Field(6_000, ge=1, description="Limit of a workspace at Instantly.")
    sandbox_instantly_email_lists_per_minute: int = Field(20, ge=1, description="Limit of `GET /emails` at Instantly.")
    sandbox_instantly_webhook_retries: int = Field(2, ge=0, description="Retries of a webhook that Instantly sends.")
    sandbox_instantly_webhook_retry_seconds: float = Field(10, ge=0, description="Pause before such a retry.")
    sandbox_instantly_webhook_failures: int = Field(
        10, ge=1, description="Failed deliveries in a row after which a webhook subscription disables itself."
    )
    sandbox_instantly_plan_leads: int = Field(1_000_000, ge=0, description="Leads that the plan still allows.")
    sandbox_openrouter_key: SecretStr = Field(
        SecretStr("sandbox-openrouter-key"), description="API key that the sandbox accepts as OpenRouter."
    )
    sandbox_openrouter_zdr: bool = Field(
        default=True, description="A provider keeps no data. If false, requests with `provider.zdr` are refused."
    )

    sandbox_smtp_port: int = Field(
        0, ge=0, le=65535, description="Port of the SMTP server; 0 takes a free one, which `GET /_sandbox/smtp` shows."
    )
    sandbox_smtp_starttls: bool = Field(default=False, description="The SMTP server offers STARTTLS and requires it.")
    sandbox_smtp_login: bool = Field(default=False, description="The SMTP server requires a login.")
    sandbox_smtp_user: str = Field("sandbox", description="User that the SMTP server accepts.")
    sandbox_smtp_password: SecretStr = Field(
        SecretStr("sandbox-smtp-password"), description="Password that the SMTP server accepts."
    )
