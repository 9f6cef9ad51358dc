"""Settings of the sandbox, read from the environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from common.settings import Settings


class SandboxSettings(Settings):
    """Settings of the sandbox. Its keys are not secrets: they give access to the sandbox only."""

    sandbox_host: str = "127.0.0.1"
    sandbox_port: int = Field(8090, ge=0, le=65535, description="0 takes a free port.")
    health_port: int = Field(0, ge=0, le=65535, description="`/livez`, `/readyz`, `/metrics`; 0 takes a free port.")

    sandbox_state_file: Path | None = Field(
        None,
        description="File that keeps Instantly's state and the paid records over a restart. Unset: kept in memory only.",
    )
    sandbox_seed: str = Field("equity", description="Another seed gives other people at the same addresses.")

    sandbox_melissa_license: SecretStr = SecretStr("sandbox-melissa-license")
    sandbox_melissa_records_per_second: int = Field(
        200, ge=1, description="200 is the limit of a business licence (docs/vendors/melissa.md)."
    )
    sandbox_batchdata_token: SecretStr = SecretStr("sandbox-batchdata-token-0000000000000000")
    sandbox_batchdata_requests_per_minute: int = Field(
        3_000, ge=1, description="Limit of a token (docs/vendors/batchdata.md)."
    )
    sandbox_instantly_key: SecretStr = SecretStr("sandbox-instantly-key")
    sandbox_instantly_requests_per_second: int = Field(
        100, ge=1, description="Limit of a workspace (docs/vendors/instantly.md)."
    )
    sandbox_instantly_requests_per_minute: int = Field(
        6_000, ge=1, description="Limit of a workspace (docs/vendors/instantly.md)."
    )
    sandbox_instantly_plan_leads: int = Field(1_000_000, ge=0, description="Leads that the plan still allows.")
