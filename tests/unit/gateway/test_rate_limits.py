"""The address that a refused request counts for, and the limits by address and key."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.web.client_address import client_address
from gateway.web.limits import RequestLimits
from gateway.web.problems import ProblemError


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
        ("2001:db8:1:2:3:4:5:6", None, 0, "2001:db8:1:2::/64"),
    ],
)
def test_only_trusted_proxies_name_the_client(peer: str, forwarded: str | None, hops: int, address: str) -> None:
    assert client_address(request(peer, forwarded), hops) == address


async def test_an_address_with_too_many_failures_is_refused() -> None:
    limits = RequestLimits(3, 10, 0)
    counted = [await limits.count_failure(request()) for _ in range(4)]
    assert counted == [True, True, True, False]
    with pytest.raises(ProblemError) as refused:
        await limits.require_admitted(request())
    assert refused.value.kind.status == 429
    assert 0 < int(refused.value.headers["Retry-After"]) <= 61
    await limits.require_admitted(request("203.0.113.10"))


async def test_uploads_are_counted_by_key() -> None:
    limits = RequestLimits(3, 2, 0)
    for _ in range(2):
        await limits.count_upload("a")
    with pytest.raises(ProblemError):
        await limits.count_upload("a")
    await limits.count_upload("b")
