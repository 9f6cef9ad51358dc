"""Check of our webhook subscription at Instantly, which Instantly disables after failures (docs/vendors/instantly.md, Webhooks)."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog

from common import telemetry
from common.vendors.errors import BackingOffError, VendorCallError
from replies.vendors.instantly import InstantlyEmails, Subscription

log = structlog.get_logger()

WEBHOOK_PATH = "/v1/webhooks/instantly"
"""Path of the gateway. A subscription with this path is ours."""
_COMPLETE_TYPES = frozenset({"all_events", "reply_received"})
_RUNBOOK = "docs/runbooks/webhook-subscription.md"


class SubscriptionCheck:
    """Job that looks for our subscription, resumes it, and reports one that is disabled or missing."""

    def __init__(self, emails: InstantlyEmails, request_comparison: Callable[[], Awaitable[None]]) -> None:
        """*request_comparison* finds the replies that came while the subscription was off."""
        self._emails = emails
        self._request_comparison = request_comparison

    async def check_subscriptions(self) -> None:
        """Resume our disabled subscriptions, and export the state. A missing one is reported and never created."""
        try:
            ours = [one for one in await self._emails.list_subscriptions() if is_ours(one)]
            disabled = [one for one in ours if one.is_disabled]
            _export(ours, disabled)
            for subscription in disabled:
                await self._resume(subscription)
        except BackingOffError:
            return
        except VendorCallError as error:
            log.warning("webhook_subscription_check_failed", error=error.code)
            return
        if not any(one.event_type in _COMPLETE_TYPES for one in ours):
            log.error("webhook_subscription_missing", advice=_RUNBOOK)

    async def _resume(self, subscription: Subscription) -> None:
        log.error("webhook_subscription_disabled", subscription_id=subscription.id, advice=_RUNBOOK)
        await self._emails.resume_subscription(subscription.id)
        telemetry.counter(
            "equity_webhook_subscription_resumes", "Disabled webhook subscriptions that were resumed"
        ).add(1)
        log.info("webhook_subscription_resumed", subscription_id=subscription.id)
        await self._request_comparison()


def is_ours(subscription: Subscription) -> bool:
    """Return whether a subscription delivers to the gateway, whatever its host is."""
    try:
        return urlsplit(subscription.url).path.rstrip("/").endswith(WEBHOOK_PATH)
    except ValueError:
        return False


def _export(ours: list[Subscription], disabled: list[Subscription]) -> None:
    active = [one for one in ours if not one.is_disabled and one.event_type in _COMPLETE_TYPES]
    gauge = telemetry.gauge("equity_webhook_subscriptions", "Our webhook subscriptions at Instantly by state")
    gauge.set(len(active), state="active")
    gauge.set(len(disabled), state="disabled")
