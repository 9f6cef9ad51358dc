"""Settings of ingest, read from the environment."""

from pydantic import Field

from common.settings import Settings


class IngestSettings(Settings):
    """Settings of the ingest service."""

    ingest_consumer_instances: int = Field(2, ge=1, le=8, description="Consumer instances in this process.")
    ingest_batch: int = Field(1_000, ge=1, le=2_000, description="Maximum number of records in one transaction.")
    assign_leads_seconds: float = Field(
        15,
        gt=0,
        description="Interval of the check for changed territories, after which leads without a broker are assigned.",
    )
    ingest_recovery_age_seconds: float = Field(
        900,
        gt=0,
        description="Age from which a lead with a verified contact that its score lacks is rescored from its state.",
    )
    ingest_recovery_check_seconds: float = Field(300, gt=0, description="Interval of the search for such leads.")
