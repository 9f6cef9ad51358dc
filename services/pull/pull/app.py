"""Wiring of the pull service."""

from datetime import time, timedelta

import structlog

from common.calendar.clock import Clock
from common.service import Service, main
from common.vendors.throttle import VendorThrottle
from pull.jobs import PULL_TIME, PullJobs
from pull.page_log import PageLog
from pull.puller import Puller
from pull.settings import PullSettings
from pull.vendors.batchdata_mcp import BatchDataMcpClient
from pull.vendors.batchdata_responses import BATCHDATA_MCP

log = structlog.get_logger()

CLEAN_UP_TIME = time(3, 15)


def build(settings: PullSettings | None = None, clock: Clock | None = None) -> Service:
    """Build the pull service, ready to start. Without BatchData's token it pulls nothing."""
    settings = settings or PullSettings.for_service("pull")
    service = Service("pull", settings, clock)
    puller = build_puller(service, settings)
    if puller is None:
        log.warning("batchdata_token_missing", help="set BATCHDATA_TOKEN; docs/batchdata-pull.md")
        return service
    jobs = PullJobs(puller, PageLog(service.bus, settings, service.clock), settings, service.clock)
    service.jobs.add_daily("clean_up", CLEAN_UP_TIME, jobs.clean_up, window=timedelta(hours=20))
    service.jobs.add_daily("pull", PULL_TIME, jobs.pull, window=settings.window)
    service.jobs.add_repeated(settings.pull_catch_up_seconds, "catch_up", jobs.catch_up)
    return service


def build_puller(service: Service, settings: PullSettings) -> Puller | None:
    """Build the puller of *service*; return None without a token."""
    token = settings.batchdata_token.get_secret_value() if settings.batchdata_token else ""
    if not token:
        return None
    source = BatchDataMcpClient(
        settings.batchdata_mcp_url,
        token,
        settings.batchdata_mcp_transport,
        settings.pull_tool,
        settings.pull_tool_form,
        settings.pull_call_seconds,
    )
    throttle = VendorThrottle(service.database, [settings.vendor_policy(BATCHDATA_MCP)])
    return Puller(PageLog(service.bus, settings, service.clock), source, throttle, settings, service.clock)


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
