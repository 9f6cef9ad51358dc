"""What the environment can set for ingest."""

from pydantic import Field

from common.settings import Settings


class IngestSettings(Settings):
    """Settings of the ingest service."""

    ingest_lanes: int = Field(2, ge=1, le=8, description="Members of the consumer group in this process.")
    ingest_batch: int = Field(1_000, ge=1, le=2_000, description="Records in one transaction at the most.")
    territory_cache_seconds: float = Field(5, ge=0, description="How long a change of territories may go unnoticed.")
    assign_leads_seconds: float = Field(
        15,
        gt=0,
        description="How often to look whether territories changed, so that leads without a broker get theirs.",
    )
    ingest_forgotten_seconds: float = Field(
        900,
        gt=0,
        description="A verified lead whose score no event brought up to date for so long is scored from its state.",
    )
    ingest_forgotten_check_seconds: float = Field(300, gt=0, description="How often such leads are looked for.")
