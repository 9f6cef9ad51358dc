"""Check of the links in emails before people receive them: https, public and answering (ADR 27).

A dead opt-out link in an email to a real person breaks 15 U.S.C. 7704(a)(3). The sandbox sends no email, so nothing is
checked there.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from common import telemetry
from common.vendors.public_urls import is_public_address, is_sandbox_url, url_problem
from feeder.campaign_sync.template_variables import EmailLinks
from feeder.settings import FeederSettings

log = structlog.get_logger()

CHECK_TIMEOUT_SECONDS = 10.0
GOOD_RESULT_SECONDS = 600.0
"""How long a check without a problem stays valid."""
BAD_RESULT_SECONDS = 60.0
MAX_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_FORM_STATUSES = frozenset({400, 422, 429})
"""A form may refuse a link without a lead, or checks that come too often, with these. It exists all the same."""
ADVICE = "set CONSENT_FORM_URL and OPT_OUT_URL to public https pages that answer: docs/runbooks/dead-links.md"


class DeadLinksError(RuntimeError):
    """A link in the emails is dead, so no email may be sent."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}, so no lead is fed; {ADVICE}")


@dataclass(frozen=True, slots=True)
class Network:
    """Access to other hosts. The default is the real one; only tests replace it."""

    resolver: Callable[[], AbstractResolver] = aiohttp.DefaultResolver
    is_public: Callable[[str], bool] = is_public_address
    tls: ssl.SSLContext | bool = True


class LinkCheck:
    """Check of both links, with its last result. An expired result is checked again."""

    def __init__(self, settings: FeederSettings, links: EmailLinks, network: Network) -> None:
        self._is_needed = not is_sandbox_url(settings.instantly_base_url)
        self._urls = {"consent": links.consent_url, "opt_out": links.opt_out_url}
        self._network = network
        self._lock = asyncio.Lock()
        self._problem: str | None = None
        self._valid_until = float("-inf")

    async def find_problem(self) -> str | None:
        """Return why no member may be added now, or None. Each failed check is logged as an error."""
        if not self._is_needed:
            return None
        async with self._lock:
            if time.monotonic() >= self._valid_until:
                self._problem = await self._check_links()
                self._valid_until = time.monotonic() + (BAD_RESULT_SECONDS if self._problem else GOOD_RESULT_SECONDS)
            return self._problem

    async def _check_links(self) -> str | None:
        found = await asyncio.gather(*(self._check_link(url) for url in self._urls.values()))
        problems = [f"the {name} link {problem}" for name, problem in zip(self._urls, found, strict=True) if problem]
        gauge = telemetry.gauge(
            "equity_email_links_dead", "1 while a link in the emails is not public or does not answer"
        )
        gauge.set(float(bool(problems)))
        if problems:
            log.error("dead_links_found", problems=problems, advice=ADVICE)
        return "; ".join(problems) or None

    async def _check_link(self, url: str) -> str | None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                return await self._follow_link(url)
        except TimeoutError:
            return f"does not answer in {CHECK_TIMEOUT_SECONDS:.0f} seconds"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"does not answer ({type(error).__name__})"

    async def _follow_link(self, url: str) -> str | None:
        """Follow *url* and its redirects; return the problem of the last page, or of a step on the way."""
        for _ in range(MAX_REDIRECTS + 1):
            if problem := url_problem(url):
                return problem
            addresses = await self._resolve_host(url)
            if not addresses or not all(self._network.is_public(address["host"]) for address in addresses):
                return "is on a private address"
            status, location = await self._get(url, addresses)
            if status in _REDIRECT_STATUSES and location:
                url = urljoin(url, location)
                continue
            is_there = 200 <= status < 300 or status in _FORM_STATUSES  # noqa: PLR2004 - RFC 9110, successful
            return None if is_there else f"answers with status {status}"
        return f"redirects more than {MAX_REDIRECTS} times"

    async def _resolve_host(self, url: str) -> list[ResolveResult]:
        parts = urlsplit(url)
        resolver = self._network.resolver()
        try:
            return await resolver.resolve(parts.hostname or "", parts.port or 443, socket.AF_UNSPEC)
        finally:
            await resolver.close()

    async def _get(self, url: str, addresses: list[ResolveResult]) -> tuple[int, str | None]:
        """Return status and `Location` of *url*, asked at *addresses*. They were checked; the name may resolve otherwise now."""
        connector = aiohttp.TCPConnector(resolver=_FixedResolver(addresses), ssl=self._network.tls, force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False, headers={"User-Agent": "equity-connect-link-check"}) as response,
        ):
            return response.status, response.headers.get("Location")


class _FixedResolver(AbstractResolver):
    """Resolver that returns the same addresses for every name."""

    def __init__(self, addresses: list[ResolveResult]) -> None:
        self._addresses = addresses

    async def resolve(self, *_: object, **__: object) -> list[ResolveResult]:
        """Return the addresses."""
        return self._addresses

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""
