"""Wiring of the feeder service."""

from datetime import time, timedelta

from common.clock import Clock
from common.events import LeadVerified
from common.schedules import WEEKDAYS
from common.service import Service, main
from feeder.campaigns import CampaignSync
from feeder.door import Door
from feeder.feed import Feed
from feeder.handlers import Queueing
from feeder.jobs import FeedJobs
from feeder.link_check import LinkCheck, Network
from feeder.memberships import Memberships
from feeder.pacing import FEED_AT
from feeder.reconcile import Reconciler
from feeder.recovery import LeadRecovery
from feeder.settings import FeederSettings
from feeder.sweep import Sweep
from feeder.variables import Links
from feeder.vendors.instantly import Instantly

WATCH_SECONDS = 60


def build(
    settings: FeederSettings | None = None, clock: Clock | None = None, network: Network | None = None
) -> Service:
    """The feeder service, ready to start. Only tests have a *network* of their own."""
    settings = settings or FeederSettings.for_service("feeder")
    service = Service("feeder", settings, clock)
    queueing = Queueing(service.clock)
    service.bus.on(LeadVerified)(queueing.queue_leads)
    recovery = LeadRecovery(service.bus, queueing, settings.feeder_forgotten_seconds)
    service.jobs.every(settings.feeder_forgotten_check_seconds, "queue_forgotten_leads", recovery.queue_forgotten)
    service.jobs.every(60, "watch_forgotten_leads", recovery.measure)
    door = Door(service.database, settings)
    network = network or Network()
    links = LinkCheck(settings, Links.of(settings), network) if settings.instantly_api_key else None
    jobs = FeedJobs(service.bus, Feed(service.bus, settings, service.clock), door, service.clock, links)
    window = timedelta(hours=settings.feed_window_hours)
    service.jobs.daily("refresh", time(5, 30), jobs.refresh, window=window)
    service.jobs.daily("feed", FEED_AT, jobs.feed, window=window, days=WEEKDAYS)
    service.jobs.daily("clean_up", time(2, 30), jobs.clean_up, window=timedelta(hours=20))
    service.jobs.every(settings.feed_top_up_seconds, "top_up", jobs.top_up)
    service.jobs.every(WATCH_SECONDS, "watch_members", jobs.watch_members)
    if links is not None:
        _add_vendor(service, settings, door, links, network)
    return service


def _add_vendor(service: Service, settings: FeederSettings, door: Door, links: LinkCheck, network: Network) -> None:
    """What speaks to Instantly; without a key there is none of it, and leads wait."""
    vendor = Instantly(settings, door, network.resolver)
    service.parts.append(vendor)
    memberships = Memberships(service.bus, Links.of(settings), service.clock, settings)
    reconciler = Reconciler(memberships, vendor, door, links)
    campaigns = CampaignSync(service.bus, vendor, service.clock)
    sweep = Sweep(memberships, vendor, service.clock, settings)
    service.jobs.every(settings.reconcile_seconds, "sync_campaigns", campaigns.run)
    service.jobs.every(settings.reconcile_seconds, "reconcile", reconciler.run)
    service.jobs.every(min(60, settings.sweep_seconds), "sweep", sweep.run)


if __name__ == "__main__":
    built = build()
    main([built], built.settings)
