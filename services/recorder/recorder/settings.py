"""Settings of the recorder service, read from environment variables of the same names."""

from pydantic import Field

from common.settings import Settings


class RecorderSettings(Settings):
    """Settings of the recorder service."""

    recorder_consumer_instances: int = Field(
        1, ge=1, le=8, description="Consumer instances of the events' consumer group in this process."
    )
    recorder_replay_limit: int = Field(8, ge=1, le=1_000, description="Replays of one dead letter before it is parked.")
    recorder_replay_seconds: float = Field(5, gt=0, description="Seconds between two replays of due dead letters.")
    recorder_event_months: int = Field(
        13, ge=3, description="Months of events that can be queried. Older months are archived, each as a whole."
    )
    recorder_payload_days: int = Field(
        30, ge=1, description="Days for which a resolved or parked dead letter keeps its message."
    )
    recorder_outbox_rejected_days: int = Field(
        30, ge=30, description="Days for which events that Kafka rejected for good are kept."
    )
