"""Wiring of the ingest service."""

from common.events import LeadRecord, LeadUnverifiable, LeadVerified
from common.service import Service, main
from ingest.handlers import IngestHandlers
from ingest.jobs import IngestJobs
from ingest.row_readers import RowReaderCache
from ingest.settings import IngestSettings
from ingest.territories.broker_map import BrokerMapCache


def build(settings: IngestSettings | None = None) -> Service:
    """Return the ingest service, ready to start."""
    settings = settings or IngestSettings.for_service("ingest")
    service = Service("ingest", settings)
    IngestJobs(service, settings).schedule_all(service.jobs)
    caches = BrokerMapCache(service.database), RowReaderCache(service.database)
    handlers = IngestHandlers(service.database, service.keyring, *caches)
    service.bus.on(LeadRecord, instances=settings.ingest_consumer_instances, max_records=settings.ingest_batch)(
        handlers.upsert_leads
    )
    service.bus.on(LeadVerified)(handlers.rescore_verified)
    service.bus.on(LeadUnverifiable)(handlers.rescore_unverifiable)
    return service


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
