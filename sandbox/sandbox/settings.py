"""What the environment can set for the sandbox."""

from pathlib import Path

from pydantic import Field, SecretStr

from common.settings import Settings


class SandboxSettings(Settings):
    """Settings of the sandbox. Its keys are no secrets: they open nothing but the sandbox."""

    sandbox_host: str = "127.0.0.1"
    sandbox_port: int = Field(8090, ge=0, le=65535, description="0 takes a free port.")
    health_port: int = Field(0, ge=0, le=65535, description="`/livez`, `/readyz`, `/metrics`; 0 takes a free port.")

    sandbox_state_file: Path | None = Field(
        None, description="What Instantly holds and what was paid is kept there over a restart; unset: only in memory."
    )
    sandbox_seed: str = Field("equity", description="Another seed makes other people of the same addresses.")

    sandbox_melissa_license: SecretStr = SecretStr("sandbox-melissa-license")
    sandbox_melissa_records_per_second: int = Field(200, ge=1, description="200 is a business licence (contracts §4).")
    sandbox_batchdata_token: SecretStr = SecretStr("sandbox-batchdata-token-0000000000000000")
    sandbox_batchdata_requests_per_minute: int = Field(3_000, ge=1, description="Per token (contracts §5).")
    sandbox_instantly_key: SecretStr = SecretStr("sandbox-instantly-key")
    sandbox_instantly_requests_per_second: int = Field(100, ge=1, description="Per workspace (contracts §1.1).")
    sandbox_instantly_requests_per_minute: int = Field(6_000, ge=1, description="Per workspace (contracts §1.1).")
    sandbox_instantly_plan_leads: int = Field(1_000_000, ge=0, description="Leads that the plan still takes.")
