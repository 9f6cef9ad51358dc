"""Wiring of the recorder service."""

from datetime import time, timedelta

from common.service import Service, main
from common.topics import FUNNEL_TOPICS
from recorder.handlers import record_dead_letters, record_events
from recorder.redrive import Redriver
from recorder.settings import RecorderSettings
from recorder.upkeep import Upkeep


def build(settings: RecorderSettings | None = None) -> Service:
    """The recorder service, ready to start."""
    settings = settings or RecorderSettings.for_service("recorder")
    service = Service("recorder", settings)
    service.bus.on_raw(FUNNEL_TOPICS, lanes=settings.recorder_lanes, max_records=1_000)(record_events)
    service.bus.on_raw(["pipeline.dlq"], max_records=200, max_partition_fetch_bytes=5_000_000)(record_dead_letters)
    redriver = Redriver(service.bus, settings.recorder_redrive_limit)
    service.jobs.every(settings.recorder_redrive_seconds, "redrive", redriver.run)
    upkeep = Upkeep(service.database, settings)
    service.jobs.every(30, "watch_dead_letters", upkeep.measure)
    service.jobs.every(3_600, "make_partitions", upkeep.make_partitions)
    service.jobs.daily("clean_up", time(2, 15), upkeep.clean_up, window=timedelta(hours=20))
    return service


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
