"""Who signed what, by the documents' scheme and by v2."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gateway.problems import ProblemError
from gateway.signature import BodyCheck, Claim, Key, Scheme, content_sha256, reader

NOW = datetime(2026, 3, 2, 17, 5, tzinfo=UTC)
BODY = b"Address,City,State,Zip\n1 Main St,Miami,FL,33101\n"


def key(scheme: Scheme = Scheme.BODY, key_id: str = "k", secret: bytes = b"secret") -> Key:
    return Key(key_id, uuid4(), scheme, secret)


def headers(signature: str, at: str = "2026-03-02T17:05:00Z", **more: str) -> dict[str, str]:
    return {"X-Signature": signature, "X-Signature-Timestamp": at, **more}


def sign(secret: bytes, text: bytes) -> str:
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


def signer(claim: Claim, candidates: list[Key], body: bytes = BODY) -> Key | None:
    check = BodyCheck(claim, candidates)
    for start in range(0, len(body), 7):
        check.update(body[start : start + 7])
    return check.signer()


def code_of(call: object, *arguments: object) -> str:
    with pytest.raises(ProblemError) as refused:
        call(*arguments)  # type: ignore[operator]
    return refused.value.code


def test_a_body_key_signs_the_body() -> None:
    claim = Claim.read(headers(f"sha256={sign(b'secret', BODY)}"), NOW)
    assert signer(claim, [key()]) is not None


def test_a_v2_key_signs_timestamp_and_body() -> None:
    claim = Claim.read(headers(f"v2={sign(b'secret', b'2026-03-02T17:05:00Z.' + BODY)}"), NOW)
    assert signer(claim, [key(Scheme.V2)]) is not None


def test_a_v2_signature_does_not_pass_for_another_time() -> None:
    claim = Claim.read(
        headers(f"v2={sign(b'secret', b'2026-03-02T17:05:00Z.' + BODY)}", at="2026-03-02T17:05:01Z"), NOW
    )
    assert signer(claim, [key(Scheme.V2)]) is None


def test_a_v2_signature_is_not_one_of_the_file_that_begins_with_its_timestamp() -> None:
    smuggled = b"2026-03-02T17:05:00Z." + BODY
    claim = Claim.read(headers(f"sha256={sign(b'secret', smuggled)}"), NOW)
    assert signer(claim, [key(Scheme.V2)], smuggled) is None


def test_any_of_several_candidates_may_have_signed() -> None:
    claim = Claim.read(headers(f"sha256={sign(b'two', BODY)}"), NOW)
    found = signer(
        claim, [key(key_id="1", secret=b"one"), key(key_id="2", secret=b"two"), key(key_id="3", secret=b"three")]
    )
    assert found is not None
    assert found.key_id == "2"


def test_nobody_signed_without_candidates() -> None:
    assert signer(Claim.read(headers(f"sha256={sign(b'', BODY)}"), NOW), []) is None


def test_a_changed_byte_breaks_the_signature() -> None:
    claim = Claim.read(headers(f"sha256={sign(b'secret', BODY)}"), NOW)
    assert signer(claim, [key()], BODY + b" ") is None


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_five_minutes_either_way_are_allowed(minutes: int) -> None:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    assert Claim.read(headers(f"sha256={'0' * 64}", at=at), NOW).timestamp == at


@pytest.mark.parametrize("seconds", [-301, 301, 86_400, -86_400 * 365])
def test_more_than_five_minutes_are_not(seconds: int) -> None:
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    assert code_of(Claim.read, headers(f"sha256={'0' * 64}", at=at), NOW) == "stale_timestamp"


@pytest.mark.parametrize("at", ["2026-03-02T17:05:00Z", "2026-03-02t09:05:00.123-08:00", "2026-03-02 18:05:00+01:00"])
def test_rfc3339_times_are_read(at: str) -> None:
    assert Claim.read(headers(f"sha256={'0' * 64}", at=at), NOW).timestamp == at


@pytest.mark.parametrize(
    "at",
    ["now", "1772471100", "2026-03-02T17:05:00", "2026-03-02", "2026-W10-1T17:05:00Z", "2026-13-02T17:05:00Z",
     "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "\uff12026-03-02T17:05:00Z"],
)  # fmt: skip
def test_other_times_are_not(at: str) -> None:
    assert code_of(Claim.read, headers(f"sha256={'0' * 64}", at=at), NOW) in ("bad_header", "stale_timestamp")


@pytest.mark.parametrize(
    "signature",
    ["sha1=" + "0" * 40, "0" * 64, "sha256=" + "0" * 63, "sha256=" + "g" * 64, "v2=" + "0" * 64 + "\n", "v3=x"],
)
def test_other_signatures_cannot_be_read(signature: str) -> None:
    assert code_of(Claim.read, headers(signature), NOW) == "bad_header"


@pytest.mark.parametrize("missing", ["X-Signature", "X-Signature-Timestamp"])
def test_both_headers_are_needed(missing: str) -> None:
    given = headers(f"sha256={'0' * 64}")
    del given[missing]
    assert code_of(Claim.read, given, NOW) == "missing_header"


@pytest.mark.parametrize("key_id", ["", "a b", "x" * 65, "a'; drop table", "é"])
def test_a_key_id_is_plain(key_id: str) -> None:
    assert code_of(Claim.read, headers(f"sha256={'0' * 64}", **{"X-Key-Id": key_id}), NOW) == "bad_header"


def test_the_content_hash_is_needed_and_hex() -> None:
    assert code_of(content_sha256, {}) == "missing_header"
    assert code_of(content_sha256, {"X-Content-SHA256": "abc"}) == "bad_header"
    assert content_sha256({"X-Content-SHA256": "AB" * 32}) == b"\xab" * 32


@pytest.mark.parametrize("scheme", list(Scheme))
def test_keys_of_either_scheme_sign_a_reading(scheme: Scheme) -> None:
    text = b"2026-03-02T17:05:00Z.GET /v1/uploads/1"
    claim = Claim.read(headers(f"v2={sign(b'secret', text)}"), NOW)
    assert reader(claim, "/v1/uploads/1", [key(scheme)]) is not None
    assert reader(claim, "/v1/uploads/2", [key(scheme)]) is None
    assert reader(claim, "/v1/uploads/1", []) is None


def test_a_secret_is_not_shown() -> None:
    assert "secret" not in repr(key())
