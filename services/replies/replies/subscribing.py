"""Subscription of the gateway to the webhooks of Instantly (docs/vendors/instantly.md, Webhooks)."""

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cli.shell.errors import CommandRefusedError, UnreachableError, UsageError
from cli.shell.settings import CliSettings
from common.vendors.errors import AccessDeniedError, VendorCallError
from common.vendors.http_client import VendorHttpClient, VendorHttpRequest
from common.vendors.instantly import (
    INSTANTLY,
    INSTANTLY_PAGE_SIZE,
    INSTANTLY_URL,
    WEBHOOK_SECRET_HEADER,
    PageCursor,
    read_items,
    read_response,
)
from common.vendors.public_urls import is_sandbox_url, url_problem
from replies.reconciliation.subscriptions import WEBHOOK_PATH
from replies.vendors.instantly import DISABLED_STATUS

_ALL_EVENTS = "all_events"
_CALL_SECONDS = 15.0


async def subscribe_gateway(gateway: str) -> bool:
    """Subscribe the gateway at the address *gateway* to all events of Instantly. Return whether the subscription is new.

    The subscription carries the first of INSTANTLY_WEBHOOK_SECRETS. One with any of them is kept, and resumed if Instantly
    disabled it. Raises CliError.
    """
    settings = CliSettings()
    secrets = [
        part.strip() for part in settings.instantly_webhook_secrets.get_secret_value().split(",") if part.strip()
    ]
    if not secrets:
        raise UsageError(
            "INSTANTLY_WEBHOOK_SECRETS is not set: the gateway would refuse every webhook.",
            "Set it to a long random text, here and for the gateway.",
        )
    base = (settings.instantly_base_url or INSTANTLY_URL).rstrip("/")
    url = _hook_url(gateway, is_sandbox=is_sandbox_url(base))
    key = settings.instantly_api_key.get_secret_value() if settings.instantly_api_key else ""
    subscriptions = _WebhookSubscriptions(f"{base}/api/v2/webhooks", {"Authorization": f"Bearer {key}"})
    try:
        await subscriptions.start()
        existing = await subscriptions.find_complete(url)
        if existing is None:
            await subscriptions.add(url, secrets[0])
        else:
            _require_known_secret(existing, secrets)
            if existing.get("status") == DISABLED_STATUS:
                await subscriptions.resume(str(existing.get("id")))
    except AccessDeniedError as error:
        raise CommandRefusedError(
            f"Instantly denies access ({error.code}).", "INSTANTLY_API_KEY must be a key with the scope `webhooks:all`."
        ) from error
    except VendorCallError as error:
        raise UnreachableError(
            f"Instantly at {base} gives no usable answer ({error.code}).", "Repeat the command later: it is harmless."
        ) from error
    finally:
        await subscriptions.stop()
    return existing is None


class _WebhookSubscriptions:
    """Webhook subscriptions of one workspace. A person starts these few calls, so they need no permit."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        self._address = address
        self._headers = headers
        self._http = VendorHttpClient(_CALL_SECONDS)

    async def start(self) -> None:
        await self._http.start()

    async def stop(self) -> None:
        await self._http.stop()

    async def find_complete(self, url: str) -> dict[str, Any] | None:
        """Return a subscription of *url* to all events, if there is one."""
        after, cursor = None, PageCursor()
        while True:
            query = {"limit": INSTANTLY_PAGE_SIZE, **({"starting_after": after} if after else {})}
            body = await self._call("GET", f"{self._address}?{urlencode(query)}", None)
            items = read_items(body)
            for item in items:
                if (item.get("target_hook_url"), item.get("event_type")) == (url, _ALL_EVENTS):
                    return dict(item)
            after = cursor.read_next(body, items)
            if after is None:
                return None

    async def add(self, url: str, secret: str) -> None:
        fields = {
            "target_hook_url": url,
            "event_type": _ALL_EVENTS,
            "name": "equity",
            "headers": {WEBHOOK_SECRET_HEADER: secret},
        }
        await self._call("POST", self._address, fields)

    async def resume(self, subscription_id: str) -> None:
        await self._call("POST", f"{self._address}/{quote(subscription_id, safe='')}/resume", {})

    async def _call(self, method: str, url: str, body: dict[str, Any] | None) -> dict[str, Any]:
        request = VendorHttpRequest(INSTANTLY, f"{method} /webhooks", url, body, self._headers, method)
        return read_response(await self._http.send_request(request))


def _hook_url(gateway: str, *, is_sandbox: bool) -> str:
    """Return the address for webhooks. Raises UsageError where the real Instantly cannot or should not call it."""
    url = gateway.rstrip("/").removesuffix(WEBHOOK_PATH) + WEBHOOK_PATH
    if not is_sandbox and (problem := url_problem(url)):
        raise UsageError(
            f"Instantly cannot deliver to {url}: {problem}.", "Name the public https address of the gateway."
        )
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{url!r} is no address of a gateway.", "Such as: https://leads.example.com")
    return url


def _require_known_secret(subscription: dict[str, Any], secrets: list[str]) -> None:
    headers = {str(name).lower(): value for name, value in (subscription.get("headers") or {}).items()}
    if headers.get(WEBHOOK_SECRET_HEADER.lower()) not in secrets:
        raise CommandRefusedError(
            "This gateway is subscribed with another secret, so it refuses the webhooks.",
            f"Add that secret to INSTANTLY_WEBHOOK_SECRETS, or delete the subscription {subscription.get('id')} at Instantly.",
        )
