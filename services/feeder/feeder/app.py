"""Wiring of the feeder service."""

from datetime import time, timedelta

from common.calendar.clock import Clock
from common.compliance.legal_rules import legal_rules
from common.events import LeadVerified
from common.jobs.schedule import WEEKDAYS
from common.service import Service, main
from common.vendors.http_client import VendorHttpClient
from common.vendors.instantly import InstantlyApi, build_instantly_policy
from common.vendors.throttle import VendorThrottle
from feeder.campaign_sync.campaigns import CampaignSync
from feeder.campaign_sync.claims import MembershipClaims
from feeder.campaign_sync.link_check import LinkCheck, Network
from feeder.campaign_sync.membership_audit import MembershipAudit
from feeder.campaign_sync.memberships import Memberships
from feeder.campaign_sync.reconciler import Reconciler
from feeder.campaign_sync.template_variables import EmailLinks
from feeder.daily_feed.feed import DailyFeed
from feeder.daily_feed.feed_calendar import FEED_START_TIME
from feeder.handlers import FeederHandlers
from feeder.jobs import FeederJobs
from feeder.recovery import QueueRecovery
from feeder.settings import FeederSettings
from feeder.vendors.instantly import InstantlyClient

MEASURE_SECONDS = 60
RULES_MEASURE_SECONDS = 600
REFRESH_TIME = time(5, 30)
CLEAN_UP_TIME = time(2, 30)


def build(
    settings: FeederSettings | None = None, clock: Clock | None = None, network: Network | None = None
) -> Service:
    """Build the feeder service, ready to start. Only tests pass a *network*."""
    settings = settings or FeederSettings.for_service("feeder")
    legal_rules()  # a service that decides about contacts does not start with wrong rules
    service = Service("feeder", settings, clock)
    throttle = VendorThrottle(service.database, [build_instantly_policy(settings)])
    network = network or Network()
    link_check = None
    if settings.instantly_api_key:
        link_check = LinkCheck(settings, EmailLinks.from_settings(settings), network)
    _add_queue(service, settings)
    _add_feed(service, settings, throttle, link_check)
    if link_check is not None:
        _add_campaign_sync(service, settings, throttle, link_check, network)
    return service


def _add_queue(service: Service, settings: FeederSettings) -> None:
    """Add the handler that queues verified leads, and its recovery."""
    handlers = FeederHandlers(service.clock)
    service.bus.on(LeadVerified)(handlers.queue_leads)
    recovery = QueueRecovery(service.bus, handlers, settings.feeder_recovery_age_seconds)
    check_seconds = settings.feeder_recovery_check_seconds
    service.jobs.add_repeated(check_seconds, "queue_overlooked_leads", recovery.queue_overlooked_leads)
    service.jobs.add_repeated(MEASURE_SECONDS, "watch_overlooked_leads", recovery.measure_overlooked_leads)


def _add_feed(
    service: Service, settings: FeederSettings, throttle: VendorThrottle, link_check: LinkCheck | None
) -> None:
    """Add the jobs that follow the calendar."""
    feed = DailyFeed(service.bus, settings, service.clock)
    jobs = FeederJobs(service.bus, feed, throttle, service.clock, link_check)
    service.jobs.add_daily("refresh", REFRESH_TIME, jobs.refresh_candidates, window=feed.window)
    service.jobs.add_daily("feed", FEED_START_TIME, jobs.feed_brokers, window=feed.window, days=WEEKDAYS)
    service.jobs.add_daily("clean_up", CLEAN_UP_TIME, jobs.delete_old_skips, window=timedelta(hours=20))
    service.jobs.add_repeated(settings.feed_top_up_seconds, "top_up", jobs.top_up_feed)
    service.jobs.add_repeated(MEASURE_SECONDS, "watch_members", jobs.measure_members)
    service.jobs.add_repeated(RULES_MEASURE_SECONDS, "watch_legal_rules", jobs.measure_legal_rules)


def _add_campaign_sync(
    service: Service, settings: FeederSettings, throttle: VendorThrottle, link_check: LinkCheck, network: Network
) -> None:
    """Add everything that calls Instantly. Without an API key nothing of it runs, and leads wait."""
    http = VendorHttpClient(settings.instantly_timeout_seconds, network.resolver)
    service.parts.append(http)
    client = InstantlyClient(InstantlyApi(settings, throttle, http))
    memberships = Memberships(service.bus, service.clock, settings)
    claims = MembershipClaims(service.bus, EmailLinks.from_settings(settings), service.clock, settings)
    reconciler = Reconciler(claims, memberships, client, throttle, link_check)
    campaigns = CampaignSync(service.bus, client, service.clock)
    audit = MembershipAudit(service.bus, memberships, client, service.clock, settings)
    service.jobs.add_repeated(settings.reconcile_seconds, "sync_campaigns", campaigns.sync_campaigns)
    service.jobs.add_repeated(settings.reconcile_seconds, "reconcile", reconciler.reconcile_memberships)
    service.jobs.add_repeated(min(60, settings.audit_seconds), "audit_members", audit.audit_campaigns)


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
