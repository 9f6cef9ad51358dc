"""Check of the links in emails before people get them: https, public and answering (ADR 27).

A dead opt-out link in an email to a real person breaks 15 U.S.C. 7704(a)(3). At the sandbox nothing is checked.
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
from common.public_urls import is_public_address, is_sandbox, url_problem
from feeder.settings import FeederSettings
from feeder.variables import Links

log = structlog.get_logger()

TIMEOUT_SECONDS = 10.0
GOOD_FOR_SECONDS = 600.0
BAD_FOR_SECONDS = 60.0
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FORM_ANSWERS = frozenset({400, 422, 429})
"""With these a form may refuse a link that names no lead, or a check that comes too often: it is there."""
ADVICE = "set CONSENT_FORM_URL and OPT_OUT_URL to public https pages that answer: docs/runbooks/dead-links.md"


class LinksRefusedError(RuntimeError):
    """The links in the emails are dead: no email may carry them."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}, so no lead is fed; {ADVICE}")


@dataclass(frozen=True, slots=True)
class Network:
    """The way to other machines. Only tests have another than the default, which is the real one."""

    resolver: Callable[[], AbstractResolver] = aiohttp.DefaultResolver
    is_public: Callable[[str], bool] = is_public_address
    tls: ssl.SSLContext | bool = True


class LinkCheck:
    """The last answer of the links, asked again when it is old."""

    def __init__(self, settings: FeederSettings, links: Links, network: Network) -> None:
        self._is_needed = not is_sandbox(settings.instantly_base_url)
        self._urls = {"consent": links.consent_url, "opt_out": links.opt_out_url}
        self._network = network
        self._lock = asyncio.Lock()
        self._problem: str | None = None
        self._good_until = float("-inf")

    async def problem(self) -> str | None:
        """Return why no member may be added now, or None. An answer holds for minutes; each failure is logged as an error."""
        if not self._is_needed:
            return None
        async with self._lock:
            if time.monotonic() >= self._good_until:
                self._problem = await self._check()
                self._good_until = time.monotonic() + (BAD_FOR_SECONDS if self._problem else GOOD_FOR_SECONDS)
            return self._problem

    async def _check(self) -> str | None:
        found = await asyncio.gather(*(self._problem_of(url) for url in self._urls.values()))
        problems = [f"the {name} link {problem}" for name, problem in zip(self._urls, found, strict=True) if problem]
        gauge = telemetry.gauge("equity_links_refused", "1 while a link in the emails is not public or does not answer")
        gauge.set(float(bool(problems)))
        if problems:
            log.error("links_refused", problems=problems, advice=ADVICE)
        return "; ".join(problems) or None

    async def _problem_of(self, url: str) -> str | None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._follow(url)
        except TimeoutError:
            return f"does not answer in {TIMEOUT_SECONDS:.0f} seconds"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"does not answer ({type(error).__name__})"

    async def _follow(self, url: str) -> str | None:
        for _ in range(MAX_REDIRECTS + 1):
            if problem := url_problem(url):
                return problem
            addresses = await self._addresses(url)
            if not addresses or not all(self._network.is_public(address["host"]) for address in addresses):
                return "is on a private address"
            status, location = await self._get(url, addresses)
            if status in _REDIRECTS and location:
                url = urljoin(url, location)
            else:
                is_there = 200 <= status < 300 or status in _FORM_ANSWERS  # noqa: PLR2004 - RFC 9110, successful
                return None if is_there else f"answers with status {status}"
        return f"redirects more than {MAX_REDIRECTS} times"

    async def _addresses(self, url: str) -> list[ResolveResult]:
        parts = urlsplit(url)
        resolver = self._network.resolver()
        try:
            return await resolver.resolve(parts.hostname or "", parts.port or 443, socket.AF_UNSPEC)
        finally:
            await resolver.close()

    async def _get(self, url: str, addresses: list[ResolveResult]) -> tuple[int, str | None]:
        """Ask one of *addresses*, which were found to be public, whatever the name resolves to by now."""
        connector = aiohttp.TCPConnector(resolver=_Resolved(addresses), ssl=self._network.tls, force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False, headers={"User-Agent": "equity-connect-link-check"}) as answer,
        ):
            return answer.status, answer.headers.get("Location")


class _Resolved(AbstractResolver):
    """A resolver that knows one host's addresses."""

    def __init__(self, addresses: list[ResolveResult]) -> None:
        self._addresses = addresses

    async def resolve(self, *_: object, **__: object) -> list[ResolveResult]:
        """Return the addresses, whatever is asked."""
        return self._addresses

    async def close(self) -> None:
        """Close nothing."""
