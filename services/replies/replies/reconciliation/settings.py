"""Settings of the comparison with Instantly."""

from pydantic import Field

from common.vendors.instantly import InstantlySettings


class ReconciliationSettings(InstantlySettings):
    """Settings of the comparison of emails with replies, and of the check of webhook subscriptions."""

    reply_reconcile_seconds: float = Field(
        3_600, gt=0, description="Seconds between two comparisons of the emails at Instantly with our replies."
    )
    reply_reconcile_grace_seconds: float = Field(
        600,
        ge=0,
        description="Age at which a received email without a webhook counts as a reply whose webhook is missing.",
    )
    reply_reconcile_overlap_seconds: float = Field(
        7_200, ge=0, description="Time before the last comparison that is compared again: emails may be listed late."
    )
    reply_reconcile_first_days: float = Field(
        7, gt=0, description="Days before the very first start for which emails are compared."
    )
    webhook_check_seconds: float = Field(
        300, gt=0, description="Seconds between two checks of our webhook subscription at Instantly."
    )
    reply_content_seconds: float = Field(
        5, gt=0, description="Seconds between two searches for replies whose webhook was too large."
    )
