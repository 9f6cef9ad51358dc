"""The address that a refused request counts for, and the limits by address and name."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from common.web.client_address import client_address, client_network
from common.web.problems import ProblemError
from common.web.rate_limits import RefusalLimit, RequestRateLimit


def request(peer: str = "203.0.113.9", forwarded: str | None = None) -> web.Request:
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    return make_mocked_request("POST", "/", headers=headers).clone(remote=peer)


@pytest.mark.parametrize(
    ("peer", "forwarded", "hops", "address"),
    [
        ("203.0.113.9", None, 0, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", 0, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", 1, "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", 1, "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", 2, "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1", 2, "10.0.0.1"),
        ("10.0.0.1", None, 1, "10.0.0.1"),
        ("10.0.0.1", "not an address", 1, "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, 0, "2001:db8:1:2:3:4:5:6"),
        ("::ffff:203.0.113.9", None, 0, "203.0.113.9"),
        ("fe80::1%eth0", None, 0, "fe80::1"),
        ("@", None, 0, "@"),
    ],
)
def test_only_trusted_proxies_name_the_client(peer: str, forwarded: str | None, hops: int, address: str) -> None:
    assert client_address(request(peer, forwarded), hops) == address


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("@", "@"),
    ],
)
def test_limits_count_the_network_of_a_client(peer: str, network: str) -> None:
    assert client_network(request(peer), 0) == network


async def test_an_address_with_too_many_refusals_is_not_served() -> None:
    refusals = RefusalLimit(3, trusted_hops=0)
    counted = [await refusals.count_refusal(request()) for _ in range(4)]
    assert counted == [True, True, True, False]
    with pytest.raises(ProblemError) as refused:
        await refusals.require_admitted(request())
    assert refused.value.kind.status == 429
    assert 0 < int(refused.value.headers["Retry-After"]) <= 61
    await refusals.require_admitted(request("203.0.113.10"))


async def test_requests_are_counted_by_name() -> None:
    limit = RequestRateLimit(2, "Send fewer requests.")
    for _ in range(2):
        await limit.require_permitted("a")
    with pytest.raises(ProblemError) as refused:
        await limit.require_permitted("a")
    assert (refused.value.code, refused.value.detail) == ("too_many_requests", "Send fewer requests.")
    await limit.require_permitted("b")
