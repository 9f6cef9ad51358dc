"""Wiring of the ingest service."""

from common.events import LeadRecord, LeadUnverifiable, LeadVerified
from common.service import Service, main
from ingest.assignment import Assignment
from ingest.carry_over import CARRY_OVER_SECONDS, ParcelKeyCarryOver
from ingest.handlers import Intake
from ingest.recovery import ScoreRecovery
from ingest.rehash import REHASH_SECONDS, AddressRehash
from ingest.settings import IngestSettings
from ingest.territory import Brokers


def build(settings: IngestSettings | None = None) -> Service:
    """The ingest service, ready to start."""
    settings = settings or IngestSettings.for_service("ingest")
    service = Service("ingest", settings)
    carry_over = ParcelKeyCarryOver(service.database)
    service.parts.append(carry_over)
    service.jobs.every(CARRY_OVER_SECONDS, "carry_over_parcel_keys", carry_over.run)
    intake = Intake(service.database, service.keyring, Brokers(service.database, settings.territory_cache_seconds))
    assignment = Assignment(service.bus, settings.territory_cache_seconds)
    service.jobs.every(settings.assign_leads_seconds, "assign_leads", assignment.run)
    service.bus.on(LeadRecord, lanes=settings.ingest_lanes, max_records=settings.ingest_batch)(intake.upsert_leads)
    service.bus.on(LeadVerified)(intake.rescore_verified)
    service.bus.on(LeadUnverifiable)(intake.rescore_unverifiable)
    recovery = ScoreRecovery(service.bus, settings.ingest_forgotten_seconds)
    service.jobs.every(settings.ingest_forgotten_check_seconds, "rescore_forgotten_leads", recovery.rescore_forgotten)
    service.jobs.every(REHASH_SECONDS, "rehash_addresses", AddressRehash(service.bus).run)
    return service


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
