"""Wiring of the gateway."""

from datetime import time, timedelta

from common.service import Service, main
from common.web.rate_limits import RefusalLimit
from common.web.server import WebServer
from gateway.clock_check import ClockCheck
from gateway.jobs import GatewayJobs
from gateway.reports.report import UploadReports
from gateway.routes import GatewayRoutes
from gateway.settings import GatewaySettings
from gateway.uploads.keys import PartnerKeys
from gateway.uploads.publisher import UploadPublisher
from gateway.uploads.receiver import UploadReceiver
from gateway.uploads.recovery import UploadRecovery
from gateway.uploads.spool import Spool
from gateway.webhooks.receiver import WebhookReceiver


def build(settings: GatewaySettings | None = None) -> Service:
    """Build the gateway, ready to start. Raises OSError if its spool cannot be written."""
    settings = settings or GatewaySettings.for_service("gateway")
    service = Service("gateway", settings)
    spool = Spool(settings.spool_directory, settings.gateway_min_free_bytes)
    spool.prepare_directory()
    keys = PartnerKeys(service.database, service.keyring, settings)
    refusals = RefusalLimit(settings.gateway_failures_per_minute, settings.gateway_trusted_hops)
    publisher = UploadPublisher(
        service.bus, spool, settings.gateway_publish_concurrency, settings.gateway_max_backlog_rows
    )
    routes = GatewayRoutes(
        uploads=UploadReceiver(settings, service.bus, keys, refusals, spool),
        publisher=publisher,
        reports=UploadReports(service.database, service.keyring),
        webhooks=WebhookReceiver(settings, service.bus, refusals),
        keys=keys,
        refusals=refusals,
    )
    server = WebServer(routes.build_application(), settings.gateway_host, settings.gateway_port)
    service.parts += [publisher, server]
    _add_jobs(service, settings, spool, publisher)
    return service


def _add_jobs(service: Service, settings: GatewaySettings, spool: Spool, publisher: UploadPublisher) -> None:
    jobs = GatewayJobs(service.database, spool, publisher, settings.gateway_lost_disk_seconds)
    service.jobs.add_repeated(1, "complete_uploads", jobs.complete_uploads)
    service.jobs.add_repeated(30, "clear_spool", jobs.clear_spool)
    service.jobs.add_repeated(60, "request_lost_files", jobs.request_lost_files)
    service.jobs.add_repeated(30, "check_clock", ClockCheck(service.database).measure_offset)
    recovery = UploadRecovery(service.database, publisher, settings.gateway_stalled_seconds)
    check_seconds = settings.gateway_stalled_check_seconds
    service.jobs.add_repeated(check_seconds, "resend_stalled_uploads", recovery.resend_stalled_uploads)
    service.jobs.add_repeated(30, "measure_uploads", recovery.measure_unfinished_uploads)
    service.jobs.add_daily("clean_up", time(3), jobs.delete_expired_replay_guards, timedelta(hours=12))


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
