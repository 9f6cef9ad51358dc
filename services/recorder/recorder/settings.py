"""What the environment can set for the recorder."""

from pydantic import Field

from common.settings import Settings


class RecorderSettings(Settings):
    """Settings of the recorder service."""

    recorder_lanes: int = Field(1, ge=1, le=8, description="Members of the events' consumer group in this process.")
    recorder_redrive_limit: int = Field(
        8, ge=1, le=1_000, description="Redrives of one dead letter before it is parked."
    )
    recorder_redrive_seconds: float = Field(5, gt=0, description="How often due dead letters are looked for.")
    recorder_event_months: int = Field(
        13, ge=3, description="Months of events that can be asked about; older ones are put aside, whole."
    )
    recorder_payload_days: int = Field(30, ge=1, description="Days that a settled dead letter keeps its message.")
    recorder_outbox_dead_days: int = Field(
        30, ge=30, description="Days that events are kept which Kafka refused for good."
    )
