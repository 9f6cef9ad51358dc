"""Addresses that anybody on the internet can reach: what a link in an email must be.

RFC 2606, RFC 6761 and RFC 6762 reserve names; IANA's registries of special-purpose addresses are in Python's `ipaddress`.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

_RESERVED_NAMES = (
    "localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "test", "example", "invalid", "onion",
    "alt", "arpa", "localdomain", "example.com", "example.net", "example.org",
)  # fmt: skip
_NAT64 = IPv6Network("64:ff9b::/96")
SANDBOX_NAMES = frozenset({"localhost", "sandbox"})
"""Hosts of the vendors' stand-ins beside loopback addresses: `sandbox` is the service in docker-compose.yml."""


def is_public_address(address: str) -> bool:
    """Return whether *address*, an IP address, can be reached from everywhere. What an IPv6 address embeds counts too."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    embedded = _embedded(found) if isinstance(found, IPv6Address) else None
    if embedded is not None:
        return is_public_address(str(embedded))
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_private or found.is_unspecified)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def url_problem(url: str) -> str | None:
    """Return why people outside could not follow *url* safely, as far as its text tells, or None."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if parts.scheme != "https":
        return "is not https"
    if not host or "@" in parts.netloc or any(character.isspace() for character in url):
        return "is no address"
    if _is_literal(host):
        return None if is_public_address(host) else "is on a private address"
    name = host.rstrip(".").lower()
    if "." not in name or any(name == reserved or name.endswith(f".{reserved}") for reserved in _RESERVED_NAMES):
        return "is on a host that is not public"
    return None


def is_sandbox(url: str) -> bool:
    """Return whether *url* is that of a stand-in for a vendor: on a loopback address, `localhost` or `sandbox`."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    return ip_address(host).is_loopback if _is_literal(host) else host in SANDBOX_NAMES


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
