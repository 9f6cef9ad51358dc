"""Public URLs, and URLs of the sandbox."""

import pytest

from common.vendors.public_urls import is_public_address, is_sandbox_url, url_problem


@pytest.mark.parametrize(
    "url",
    [
        "http://equity.com/consent", "ftp://equity.com", "https://", "https:///x", "", "consent", "https://user:pw@equity.com/",
        "https://equity.com@evil.com/", "https://localhost/x", "https://LOCALHOST./x", "https://a.localhost", "https://sandbox/x",
        "https://printer.local", "https://db.internal", "https://x.test", "https://x.example", "https://example.com",
        "https://www.example.org.", "https://x.invalid", "https://x.home.arpa", "https://x.lan", "https://x.onion",
        "https://127.0.0.1:8080/consent", "https://10.0.0.1", "https://172.16.9.9", "https://192.168.1.1", "https://169.254.169.254",
        "https://100.64.0.1", "https://0.0.0.0", "https://224.0.0.1", "https://255.255.255.255", "https://192.0.2.1",
        "https://[::1]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/",
        "https://[2002:0a00:0001::1]/", "https://[2001:db8::1]/", "https://equity.com:x/", "https://equity.com/a b",
    ],
)  # fmt: skip
def test_a_url_that_is_not_public_has_a_problem(url: str) -> None:
    assert url_problem(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://equity.com",
        "https://Forms.Equity.io:8443/consent?x=1",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
    ],
)
def test_a_public_https_url_has_no_problem(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize("address", ["nonsense", "", "127.1", "fe80::1%eth0", "::", "::ffff:127.0.0.1", "198.18.0.1"])
def test_special_and_malformed_ip_addresses_are_not_public(address: str) -> None:
    assert not is_public_address(address)


def test_only_loopback_localhost_and_the_compose_service_are_sandbox_hosts() -> None:
    for url in (
        "http://127.0.0.1:8090/instantly",
        "http://127.9.9.9",
        "http://[::1]:1",
        "http://localhost:1",
        "http://sandbox:8090/x",
    ):
        assert is_sandbox_url(url)
    for url in (
        "https://api.instantly.ai", "http://10.0.0.1", "http://sandbox.evil.com", "http://localhost.evil.com", "http://sandbox@evil.com",
        "http://127.0.0.1.nip.io", "http://[bad", "",
    ):  # fmt: skip
        assert not is_sandbox_url(url)
