"""Address of a request's client, behind any number of trusted proxies. Evidence needs all of it, limits its network."""

import ipaddress

from aiohttp import web

UNKNOWN = "unknown"
"""Address of a client whose connection has none."""


def client_address(request: web.Request, trusted_hops: int) -> str:
    """Return the client's address.

    With *trusted_hops* proxies in front of us, it is the address that the outermost of them added to X-Forwarded-For.
    Any sender can write the entries before it. A request that did not pass all proxies counts for its peer.
    """
    peer = _parse(request.remote) or request.remote or UNKNOWN
    if not trusted_hops:
        return peer
    seen = [part.strip() for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
    return (_parse(seen[-trusted_hops]) or peer) if len(seen) >= trusted_hops else peer


def client_network(request: web.Request, trusted_hops: int) -> str:
    """Return the client's address; of an IPv6 address its /64 network, because one person has all addresses of it."""
    address = client_address(request, trusted_hops)
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address


def _parse(address: str | None) -> str | None:
    """Return the usual form of an address, without the zone of a link; None if it is none.

    An IPv4 client of a socket for both versions (`::ffff:203.0.113.9`) has its IPv4 address.
    """
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    return str((parsed.ipv4_mapped if parsed.version == 6 else None) or parsed)  # noqa: PLR2004 - IPv6
