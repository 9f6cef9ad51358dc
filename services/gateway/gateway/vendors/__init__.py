"""One file a vendor: how it proves that a webhook is its own, and what names one. Nothing of ours.

Each has `is_genuine(headers, body, secrets, now)`, in constant time over all active secrets, `names(message)`, the
parts that name a delivery however often it comes, and `sent_at(message)`. Empty names: the body's hash names it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.vendors import calcom, instantly, vapi

__all__ = ["VENDORS", "Vendor"]


@dataclass(frozen=True, slots=True)
class Vendor:
    """What the gateway has to know of a vendor's webhooks."""

    is_genuine: Callable[[Mapping[str, str], bytes, Iterable[bytes], datetime], bool]
    names: Callable[[dict[str, Any]], tuple[object, ...]]
    sent_at: Callable[[dict[str, Any]], datetime | None]


VENDORS: Mapping[str, Vendor] = {
    "instantly": Vendor(instantly.is_genuine, instantly.names, instantly.sent_at),
    "vapi": Vendor(vapi.is_genuine, vapi.names, vapi.sent_at),
    "calcom": Vendor(calcom.is_genuine, calcom.names, calcom.sent_at),
}
