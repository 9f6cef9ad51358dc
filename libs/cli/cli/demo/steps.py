"""Steps of the demo that a service does. The services declare them by entry points (`equity.demo`)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from cli.client.signing import SigningKey
from cli.registry import load_demo_step
from cli.shell.database import Row
from common.ids import BrokerId


@dataclass(frozen=True, slots=True)
class DemoSteps:
    """The functions of the installed services."""

    prepare_key: Callable[[str], Awaitable[tuple[SigningKey, bool]]]
    """Returns a signing key of the partner with this name, and whether it is new."""
    create_campaigns: Callable[[str, BrokerId, str], Awaitable[int]]
    """Makes the default campaigns of a broker (name, id) with a postal address; returns how many are new."""
    find_next_feed_day: Callable[[BrokerId, date], Awaitable[date | None]]
    """Returns the first day from a date on that may have a feed for a broker and had none."""
    count_upload_events: Callable[[str], Awaitable[list[Row]]]
    """Returns the funnel of an upload: a row for each type of event."""
    publish_consent_text: Callable[[], Awaitable[int]]
    """Publishes the shipped text of consents where none is published; returns the version."""
    subscribe_gateway: Callable[[str], Awaitable[bool]]
    """Subscribes the gateway at an address to the webhooks of Instantly; returns whether it was not yet."""

    @classmethod
    def load(cls) -> "DemoSteps":
        """Import the steps of the installed services. Raises UsageError where one is missing."""
        return cls(
            prepare_key=load_demo_step("prepare_key"),
            create_campaigns=load_demo_step("create_campaigns"),
            find_next_feed_day=load_demo_step("find_next_feed_day"),
            count_upload_events=load_demo_step("count_upload_events"),
            publish_consent_text=load_demo_step("publish_consent_text"),
            subscribe_gateway=load_demo_step("subscribe_gateway"),
        )
