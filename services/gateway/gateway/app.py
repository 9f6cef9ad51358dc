"""Wiring of the gateway."""

from datetime import time, timedelta

from common.service import Service, main
from gateway.clocks import ClockCheck
from gateway.keys import Keys
from gateway.limits import Limits
from gateway.publish import Publisher
from gateway.recovery import UploadRecovery
from gateway.report import Reports
from gateway.server import WebServer
from gateway.settings import GatewaySettings
from gateway.spool import Spool
from gateway.tend import Tender
from gateway.upload import Uploads
from gateway.web import Routes
from gateway.webhooks import Webhooks


def build(settings: GatewaySettings | None = None) -> Service:
    """The gateway, ready to start. Raises OSError when its spool cannot be written."""
    settings = settings or GatewaySettings.for_service("gateway")
    service = Service("gateway", settings)
    spool = Spool(settings.spool_directory, settings.gateway_min_free_bytes)
    spool.open()
    keys = Keys(service.database, service.keyring, settings)
    limits = Limits(
        settings.gateway_failures_per_minute, settings.gateway_uploads_per_minute, settings.gateway_trusted_hops
    )
    publisher = Publisher(service.bus, spool, settings.gateway_publish_at_once, settings.gateway_ahead_rows)
    routes = Routes(
        uploads=Uploads(settings, service.bus, keys, limits, spool),
        publisher=publisher,
        reports=Reports(service.database, service.keyring),
        webhooks=Webhooks(settings, service.bus, limits),
        keys=keys,
        limits=limits,
    )
    service.parts += [publisher, WebServer(routes.application(), settings.gateway_host, settings.gateway_port)]
    tender = Tender(service.database, spool, publisher, settings.gateway_lost_disk_seconds)
    service.jobs.every(1, "settle_uploads", tender.settle)
    service.jobs.every(30, "clear_spool", tender.clear_spool)
    service.jobs.every(60, "give_up_lost_disks", tender.give_up_lost_disks)
    service.jobs.every(30, "check_clock", ClockCheck(service.database).run)
    recovery = UploadRecovery(service.database, publisher, settings.gateway_stalled_seconds)
    service.jobs.every(settings.gateway_stalled_check_seconds, "resend_stalled_uploads", recovery.resend_stalled)
    service.jobs.every(30, "watch_uploads", recovery.measure)
    service.jobs.daily("clean_up", time(3), tender.clean_up, timedelta(hours=12))
    return service


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
