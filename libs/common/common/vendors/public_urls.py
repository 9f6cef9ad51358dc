"""Checks that a URL is public, as a link in an email must be.

RFC 2606, RFC 6761 and RFC 6762 reserve names. Python's `ipaddress` holds IANA's registries of special-purpose addresses.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

_RESERVED_NAMES = (
    "localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "test", "example", "invalid", "onion",
    "alt", "arpa", "localdomain", "example.com", "example.net", "example.org",
)  # fmt: skip
_NAT64 = IPv6Network("64:ff9b::/96")
_SANDBOX_HOSTS = frozenset({"localhost", "sandbox"})
"""Hosts of the vendor sandbox, beside loopback addresses. `sandbox` is the service in docker-compose.yml."""


def is_public_address(address: str) -> bool:
    """Return whether *address*, an IP address, is public. An IPv4 address that an IPv6 address embeds must be public too."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    embedded = _embedded_ipv4(ip) if isinstance(ip, IPv6Address) else None
    if embedded is not None:
        return is_public_address(str(embedded))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_private or ip.is_unspecified)


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def url_problem(url: str) -> str | None:
    """Return why recipients could not follow *url* safely, as far as its text tells, or None."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme != "https":
        return "is not https"
    if not host or "@" in parts.netloc or any(character.isspace() for character in url):
        return "is not a URL"
    if _is_ip_address(host):
        return None if is_public_address(host) else "is on a private address"
    name = host.rstrip(".").lower()
    if "." not in name or any(name == reserved or name.endswith(f".{reserved}") for reserved in _RESERVED_NAMES):
        return "is on a host that is not public"
    return None


def is_sandbox_url(url: str) -> bool:
    """Return whether *url* belongs to the vendor sandbox: on a loopback address, `localhost` or `sandbox`."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    return ip_address(host).is_loopback if _is_ip_address(host) else host in _SANDBOX_HOSTS


def _is_ip_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
