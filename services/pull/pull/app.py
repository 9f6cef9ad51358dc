"""Wiring of the pull service."""

from datetime import time, timedelta

import structlog

from common.clock import Clock
from common.service import Service, main
from pull.jobs import PULL_AT, PullJobs
from pull.ledger import Ledger
from pull.pulling import Puller
from pull.settings import PullSettings
from pull.vendors.batchdata_mcp import BatchDataMcp

log = structlog.get_logger()


def build(settings: PullSettings | None = None, clock: Clock | None = None) -> Service:
    """The pull service, ready to start. Without BatchData's token it has nothing to do."""
    settings = settings or PullSettings.for_service("pull")
    service = Service("pull", settings, clock)
    puller, ledger = puller_of(service, settings), Ledger(service.bus, settings, service.clock)
    if puller is None:
        log.warning("batchdata_has_no_token", help="set BATCHDATA_TOKEN; docs/batchdata-pull.md")
        return service
    jobs = PullJobs(puller, ledger, settings, service.clock)
    service.jobs.daily("clean_up", time(3, 15), jobs.clean_up, window=timedelta(hours=20))
    service.jobs.daily("pull", PULL_AT, jobs.pull, window=settings.window)
    service.jobs.every(settings.pull_catch_up_seconds, "catch_up", jobs.catch_up)
    return service


def puller_of(service: Service, settings: PullSettings) -> Puller | None:
    """What pulls for *service*; None without a token."""
    token = settings.batchdata_token.get_secret_value() if settings.batchdata_token else ""
    if not token:
        return None
    source = BatchDataMcp(
        settings.batchdata_mcp_url,
        token,
        settings.batchdata_mcp_transport,
        settings.pull_tool,
        settings.pull_tool_form,
        settings.pull_call_seconds,
    )
    return Puller(Ledger(service.bus, settings, service.clock), source, settings, service.clock)


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
