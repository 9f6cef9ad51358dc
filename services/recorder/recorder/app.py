"""Wiring of the recorder service."""

from datetime import time, timedelta

from common.service import Service, main
from common.topics import FUNNEL_TOPICS
from recorder.handlers import record_dead_letters, record_events
from recorder.jobs import RecorderJobs
from recorder.replay import DeadLetterReplayer
from recorder.settings import RecorderSettings

DEAD_LETTER_FETCH_BYTES = 5_000_000
"""Fetch size for `pipeline.dlq`: a dead letter holds a whole message, encrypted and in base64."""
INVARIANT_SECONDS = 900
CLEAN_UP_TIME = time(2, 15)


def build(settings: RecorderSettings | None = None) -> Service:
    """Build the recorder service, ready to start."""
    settings = settings or RecorderSettings.for_service("recorder")
    service = Service("recorder", settings)
    service.bus.on_raw(FUNNEL_TOPICS, instances=settings.recorder_consumer_instances, max_records=1_000)(record_events)
    service.bus.on_raw(["pipeline.dlq"], max_records=200, max_partition_fetch_bytes=DEAD_LETTER_FETCH_BYTES)(
        record_dead_letters
    )
    replayer = DeadLetterReplayer(service.bus, settings.recorder_replay_limit)
    service.jobs.add_repeated(settings.recorder_replay_seconds, "replay_dead_letters", replayer.replay_due_dead_letters)
    jobs = RecorderJobs(service.database, settings)
    service.jobs.add_repeated(30, "measure_dead_letters", jobs.measure_dead_letters)
    service.jobs.add_repeated(3_600, "make_partitions", jobs.make_partitions)
    service.jobs.add_repeated(INVARIANT_SECONDS, "check_invariants", jobs.check_invariants)
    service.jobs.add_daily("clean_up", CLEAN_UP_TIME, jobs.clean_up, window=timedelta(hours=20))
    return service


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
