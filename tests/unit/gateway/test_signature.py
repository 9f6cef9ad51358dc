"""Verification of signatures of both schemes: `body` and `v2`."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from common.ids import PartnerId
from common.web.problems import ProblemError
from gateway.uploads.signature import (
    BodyVerifier,
    PartnerKey,
    SignatureClaim,
    SignatureScheme,
    find_read_signer,
    read_content_sha256,
)

NOW = datetime(2026, 3, 2, 17, 5, tzinfo=UTC)
BODY = b"Address,City,State,Zip\n1 Main St,Miami,FL,33101\n"


def key(scheme: SignatureScheme = SignatureScheme.BODY, key_id: str = "k", secret: bytes = b"secret") -> PartnerKey:
    return PartnerKey(key_id, PartnerId(uuid4()), scheme, secret)


def headers(signature: str, at: str = "2026-03-02T17:05:00Z", **more: str) -> dict[str, str]:
    return {"X-Signature": signature, "X-Signature-Timestamp": at, **more}


def sign(secret: bytes, text: bytes) -> str:
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


def find_signer(claim: SignatureClaim, candidates: list[PartnerKey], body: bytes = BODY) -> PartnerKey | None:
    verifier = BodyVerifier(claim, candidates)
    for start in range(0, len(body), 7):
        verifier.update(body[start : start + 7])
    return verifier.find_signer()


def code_of(call: object, *arguments: object) -> str:
    with pytest.raises(ProblemError) as refused:
        call(*arguments)  # type: ignore[operator]
    return refused.value.code


def test_a_body_key_signs_the_body() -> None:
    claim = SignatureClaim.from_headers(headers(f"sha256={sign(b'secret', BODY)}"), NOW)
    assert find_signer(claim, [key()]) is not None


def test_a_v2_key_signs_timestamp_and_body() -> None:
    claim = SignatureClaim.from_headers(headers(f"v2={sign(b'secret', b'2026-03-02T17:05:00Z.' + BODY)}"), NOW)
    assert find_signer(claim, [key(SignatureScheme.V2)]) is not None


def test_a_v2_signature_is_invalid_for_another_time() -> None:
    claim = SignatureClaim.from_headers(
        headers(f"v2={sign(b'secret', b'2026-03-02T17:05:00Z.' + BODY)}", at="2026-03-02T17:05:01Z"), NOW
    )
    assert find_signer(claim, [key(SignatureScheme.V2)]) is None


def test_a_v2_signature_is_invalid_for_the_file_that_begins_with_its_timestamp() -> None:
    smuggled = b"2026-03-02T17:05:00Z." + BODY
    claim = SignatureClaim.from_headers(headers(f"sha256={sign(b'secret', smuggled)}"), NOW)
    assert find_signer(claim, [key(SignatureScheme.V2)], smuggled) is None


def test_any_of_several_candidates_may_have_signed() -> None:
    claim = SignatureClaim.from_headers(headers(f"sha256={sign(b'two', BODY)}"), NOW)
    found = find_signer(
        claim, [key(key_id="1", secret=b"one"), key(key_id="2", secret=b"two"), key(key_id="3", secret=b"three")]
    )
    assert found is not None
    assert found.key_id == "2"


def test_without_candidates_there_is_no_signer() -> None:
    assert find_signer(SignatureClaim.from_headers(headers(f"sha256={sign(b'', BODY)}"), NOW), []) is None


def test_a_changed_byte_breaks_the_signature() -> None:
    claim = SignatureClaim.from_headers(headers(f"sha256={sign(b'secret', BODY)}"), NOW)
    assert find_signer(claim, [key()], BODY + b" ") is None


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_an_offset_of_up_to_five_minutes_is_accepted(minutes: int) -> None:
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    assert SignatureClaim.from_headers(headers(f"sha256={'0' * 64}", at=at), NOW).timestamp == at


@pytest.mark.parametrize("seconds", [-301, 301, 86_400, -86_400 * 365])
def test_a_larger_offset_is_refused(seconds: int) -> None:
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    assert code_of(SignatureClaim.from_headers, headers(f"sha256={'0' * 64}", at=at), NOW) == "timestamp_out_of_range"


@pytest.mark.parametrize("at", ["2026-03-02T17:05:00Z", "2026-03-02t09:05:00.123-08:00", "2026-03-02 18:05:00+01:00"])
def test_rfc3339_times_are_read(at: str) -> None:
    assert SignatureClaim.from_headers(headers(f"sha256={'0' * 64}", at=at), NOW).timestamp == at


@pytest.mark.parametrize(
    "at",
    ["now", "1772471100", "2026-03-02T17:05:00", "2026-03-02", "2026-W10-1T17:05:00Z", "2026-13-02T17:05:00Z",
     "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "\uff12026-03-02T17:05:00Z"],
)  # fmt: skip
def test_other_times_are_refused(at: str) -> None:
    assert code_of(SignatureClaim.from_headers, headers(f"sha256={'0' * 64}", at=at), NOW) in (
        "bad_header",
        "timestamp_out_of_range",
    )


@pytest.mark.parametrize(
    "signature",
    ["sha1=" + "0" * 40, "0" * 64, "sha256=" + "0" * 63, "sha256=" + "g" * 64, "v2=" + "0" * 64 + "\n", "v3=x"],
)
def test_other_signatures_are_refused(signature: str) -> None:
    assert code_of(SignatureClaim.from_headers, headers(signature), NOW) == "bad_header"


@pytest.mark.parametrize("missing", ["X-Signature", "X-Signature-Timestamp"])
def test_both_headers_are_required(missing: str) -> None:
    given = headers(f"sha256={'0' * 64}")
    del given[missing]
    assert code_of(SignatureClaim.from_headers, given, NOW) == "missing_header"


@pytest.mark.parametrize("key_id", ["", "a b", "x" * 65, "a'; drop table", "é"])
def test_a_key_id_with_other_characters_is_refused(key_id: str) -> None:
    assert (
        code_of(SignatureClaim.from_headers, headers(f"sha256={'0' * 64}", **{"X-Key-Id": key_id}), NOW) == "bad_header"
    )


def test_the_content_hash_is_required_and_hexadecimal() -> None:
    assert code_of(read_content_sha256, {}) == "missing_header"
    assert code_of(read_content_sha256, {"X-Content-SHA256": "abc"}) == "bad_header"
    assert read_content_sha256({"X-Content-SHA256": "AB" * 32}) == b"\xab" * 32


@pytest.mark.parametrize("scheme", list(SignatureScheme))
def test_keys_of_either_scheme_sign_read_requests(scheme: SignatureScheme) -> None:
    text = b"2026-03-02T17:05:00Z.GET /v1/uploads/1"
    claim = SignatureClaim.from_headers(headers(f"v2={sign(b'secret', text)}"), NOW)
    assert find_read_signer(claim, "/v1/uploads/1", [key(scheme)]) is not None
    assert find_read_signer(claim, "/v1/uploads/2", [key(scheme)]) is None
    assert find_read_signer(claim, "/v1/uploads/1", []) is None


def test_the_repr_of_a_key_hides_its_secret() -> None:
    assert "secret" not in repr(key())
