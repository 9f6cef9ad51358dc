"""Access to a workspace of Instantly's API v2, for all services that call it (docs/vendors/instantly.md).

All services and replicas share one rate limit, backoff and circuit breaker: those of the vendor `instantly`. Instantly has
no idempotency keys. The class of an error says whether an operation was executed (docs/delivery.md).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field

from common.settings import ApiKey, ApiUrl, Settings
from common.vendors.errors import (
    BackingOffError,
    InvalidRequestError,
    NotExecutedError,
    OutcomeUnknownError,
    RateLimitedError,
    VendorCallError,
)
from common.vendors.http_client import VendorHttpClient, VendorHttpRequest, VendorHttpResponse, check_status
from common.vendors.policy import RateLimit, VendorPolicy
from common.vendors.throttle import Permit, VendorThrottle

INSTANTLY_URL = "https://api.instantly.ai"
WEBHOOK_SECRET_HEADER = "X-EC-Webhook-Secret"  # noqa: S105 - the name of the header
"""Header of a webhook subscription that holds our secret."""
INSTANTLY = "instantly"
"""Instantly in the table of outcomes, in the tables of the throttle and in metrics."""
INSTANTLY_EMAIL_LISTS = "instantly_email_lists"
"""The separate, lower limit of `GET /emails`, in the tables of the throttle."""
INSTANTLY_PAGE_SIZE = 100
"""Most items of a page, and most addresses of one lookup."""
LIST_WINDOW_SECONDS = 60.0
"""Window of the limit of `GET /emails`."""
_NOT_FOUND = 404


class InstantlyNotFoundError(NotExecutedError):
    """404 in Instantly's own words: the campaign, lead or email does not exist."""

    outcome = "not found"


class InstantlySettings(Settings):
    """Settings of a service that calls Instantly."""

    instantly_base_url: ApiUrl = Field(INSTANTLY_URL, description="Address of Instantly's API.")
    instantly_api_key: ApiKey | None = Field(None, description="Without a key no call is made to Instantly.")
    instantly_timeout_seconds: float = Field(
        60, gt=0, description="Longest wait for a response; after it the outcome is unknown."
    )
    instantly_requests_per_second: float = Field(
        20,
        gt=0,
        le=100,
        description="Rate of all services and replicas together. Instantly allows 100 a second and 6,000 a minute.",
    )


def build_instantly_policy(settings: InstantlySettings) -> VendorPolicy:
    """Return the policy of calls to a workspace. The rate belongs to the workspace, and all replicas share it."""
    calls = max(1, int(settings.instantly_requests_per_second))
    return VendorPolicy(
        INSTANTLY,
        RateLimit(calls, calls / settings.instantly_requests_per_second),
        probe_seconds=2 * settings.instantly_timeout_seconds,
        longest_backoff_seconds=300,
        access_denied_backoff_seconds=60,
    )


def build_email_list_policy(settings: InstantlySettings, lists_per_minute: int) -> VendorPolicy:
    """Return the policy of `GET /emails`, whose limit is lower than that of other operations."""
    return VendorPolicy(
        INSTANTLY_EMAIL_LISTS,
        RateLimit(lists_per_minute, LIST_WINDOW_SECONDS),
        probe_seconds=2 * settings.instantly_timeout_seconds,
        longest_backoff_seconds=300,
        access_denied_backoff_seconds=60,
        rate_limited_backoff_seconds=5,
    )


class InstantlyApi:
    """Calls to one workspace, each with a permit."""

    def __init__(self, settings: InstantlySettings, throttle: VendorThrottle, http: VendorHttpClient) -> None:
        self._base_url = settings.instantly_base_url.rstrip("/") + "/api/v2"
        key = settings.instantly_api_key.get_secret_value() if settings.instantly_api_key else ""
        self._headers = {"Authorization": f"Bearer {key}"}
        self._longest_wait_seconds = settings.instantly_timeout_seconds
        self._throttle = throttle
        self._http = http

    async def acquire_permit(self) -> Permit:
        """Return the permit of one call. Raises BackingOffError: no call may be made now."""
        return await self._acquire(INSTANTLY, self._longest_wait_seconds)

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        permit: Permit | None = None,
        start_before: datetime | None = None,
        limit: str | None = None,
    ) -> dict[str, Any]:
        """Make one call with a permit, and report its outcome to the throttle. Raises VendorCallError.

        *path* begins with `/` and may have a query. An empty response is {}. Without *permit* one is acquired. After
        *start_before* nothing is sent (`VendorHttpClient.send_request`). *limit* names a policy with a further limit of this
        operation: it gives a permit too, and a 429 counts against it alone.
        """
        if limit is not None:
            await self._acquire(limit, self._longest_wait_seconds + LIST_WINDOW_SECONDS)
        permit = permit or await self.acquire_permit()
        operation = f"{method} /{path.split('/')[1].partition('?')[0]}"
        request = VendorHttpRequest(INSTANTLY, operation, self._base_url + path, body, self._headers, method)
        try:
            response_body = read_response(await self._http.send_request(request, start_before))
        except (InvalidRequestError, InstantlyNotFoundError):
            await self._throttle.record_success(INSTANTLY)  # Instantly works: this request is wrong
            raise
        except VendorCallError as error:
            if limit is not None and isinstance(error, RateLimitedError):
                await self._throttle.record_failure(limit, error, is_probe=False)
                await self._throttle.record_success(INSTANTLY)  # Instantly works: only this operation must wait
            else:
                await self._throttle.record_failure(INSTANTLY, error, is_probe=permit.is_probe)
            raise
        for vendor in filter(None, (INSTANTLY, limit)):
            await self._throttle.record_success(vendor)
        return response_body

    async def _acquire(self, vendor: str, longest_wait_seconds: float) -> Permit:
        permit = await self._throttle.acquire_permit(vendor, 1, time.monotonic() + longest_wait_seconds)
        if permit is None:
            raise BackingOffError
        return permit


@dataclass(slots=True)
class PageCursor:
    """Cursor of a list that is read page by page. It detects a cursor that repeats."""

    seen: set[str] = field(default_factory=set)

    def read_next(self, body: Mapping[str, Any], items: Sequence[object]) -> str | None:
        """Return the cursor of the next page; None at the end. Raises OutcomeUnknownError for a repeated cursor."""
        after = body.get("next_starting_after")
        if not items or not after:
            return None
        if str(after) in self.seen:
            raise OutcomeUnknownError("cursor_repeats")
        self.seen.add(str(after))
        return str(after)


def read_response(response: VendorHttpResponse) -> dict[str, Any]:
    """Return the body of a successful response, {} for an empty one. Raises VendorCallError for every other response."""
    if response.status == _NOT_FOUND and _is_instantly_not_found(response):
        raise InstantlyNotFoundError(f"http_{response.status}")
    check_status(INSTANTLY, response)
    body = response.read_json() if response.body else {}
    if not isinstance(body, dict):
        raise OutcomeUnknownError("no_object")
    if body.get("error"):
        raise OutcomeUnknownError("error_in_200")
    return body


def _is_instantly_not_found(response: VendorHttpResponse) -> bool:
    """Return whether Instantly itself says 404. Another body is a proxy's page and says nothing about the lead."""
    try:
        body = response.read_json()
    except OutcomeUnknownError:
        return False
    return isinstance(body, dict) and str(body.get("statusCode")) == str(_NOT_FOUND)


def read_items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the items of a list. Raises OutcomeUnknownError if there is no list: that does not mean an empty one."""
    items = body.get("items")
    if not isinstance(items, list):
        raise OutcomeUnknownError("no_items")
    return [item for item in items if isinstance(item, dict)]
