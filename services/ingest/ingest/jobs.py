"""Scheduled work of ingest. Job names are those of the commands `equity jobs` and of the runbooks."""

from common.jobs.scheduler import JobScheduler
from common.service import Service
from ingest.maintenance.address_rehash import AddressRehash
from ingest.maintenance.score_recovery import ScoreRecovery
from ingest.settings import IngestSettings
from ingest.territories.assignment import LeadAssignment

REHASH_SECONDS = 5.0


class IngestJobs:
    """All jobs of ingest: assignment to territories, maintenance of keys and hashes, recovery of scores."""

    def __init__(self, service: Service, settings: IngestSettings) -> None:
        self._settings = settings
        self._assignment = LeadAssignment(service.bus)
        self._address_rehash = AddressRehash(service.bus)
        self._score_recovery = ScoreRecovery(service.bus, settings.ingest_recovery_age_seconds)

    def schedule_all(self, jobs: JobScheduler) -> None:
        """Schedule every job. Each runs in every replica, and may be repeated."""
        settings = self._settings
        jobs.add_repeated(settings.assign_leads_seconds, "assign_leads", self._assignment.assign_leads)
        jobs.add_repeated(
            settings.ingest_recovery_check_seconds,
            "rescore_overlooked_leads",
            self._score_recovery.rescore_overlooked_leads,
        )
        jobs.add_repeated(REHASH_SECONDS, "rehash_addresses", self._address_rehash.rehash_addresses)
