"""Address of a request's client, behind any number of trusted proxies."""

import ipaddress

from aiohttp import web


def client_address(request: web.Request, trusted_hops: int) -> str:
    """Return the client's address; of an IPv6 address its /64 network.

    With *trusted_hops* proxies in front of us, it is the address that the outermost of them added to X-Forwarded-For.
    Any sender can write the entries before it. A request that did not pass all proxies counts for its peer.
    """
    peer = request.remote or "unknown"
    if not trusted_hops:
        return _network_of(peer)
    seen = [part.strip() for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
    return _network_of(seen[-trusted_hops], default=peer) if len(seen) >= trusted_hops else _network_of(peer)


def _network_of(address: str, default: str = "unknown") -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return default
    if parsed.version == 4:  # noqa: PLR2004 - IPv4
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
