"""Rules for the webhooks of each vendor: proof of origin, identity, time, type and stub. One module for each vendor."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from gateway.webhooks.vendors import calcom, instantly, vapi
from gateway.webhooks.vendors.proofs import Proof

__all__ = ["VENDORS", "WebhookVendor"]


class WebhookVendor(Protocol):
    """Rules for the webhooks of one vendor: what each module of this package has."""

    EVENT_TYPES: frozenset[str]
    """Types that the vendor documents. Others are accepted, too."""

    def start_proof(self, headers: Mapping[str, str], secrets: Iterable[bytes], now: datetime, /) -> Proof:
        """Return the proof of origin. It compares with all active secrets, in constant time."""

    def identity_parts(self, message: dict[str, Any], /) -> tuple[object, ...]:
        """Return the values that identify a webhook in all its deliveries. Without any, the hash of the body does."""

    def sent_at(self, message: dict[str, Any], /) -> datetime | None:
        """Return the time of the webhook, if it has one."""

    def event_type(self, message: dict[str, Any], /) -> str:
        """Return the type as the vendor names it; an empty text if there is none."""

    def stub(self, message: dict[str, Any], /) -> dict[str, Any]:
        """Return what is kept of a webhook that is too large for the bus: type, time and ids, in their places."""


VENDORS: Mapping[str, WebhookVendor] = {"instantly": instantly, "vapi": vapi, "calcom": calcom}
