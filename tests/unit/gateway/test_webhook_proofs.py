"""Proof of origin and identity of each vendor's webhooks."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from multidict import CIMultiDict

from common.web.problems import ProblemError
from gateway.webhooks.body import parse_webhook_body
from gateway.webhooks.receiver import derive_webhook_id
from gateway.webhooks.vendors import VENDORS

NOW = datetime(2026, 8, 21, 18, 9, 1, tzinfo=UTC)
BODY = b'{"message":{"type":"end-of-call-report"}}'
SECRETS = (b"old", b"new")


def is_genuine(vendor: str, **headers: str) -> bool:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    proof = VENDORS[vendor].start_proof(named, SECRETS, NOW)
    for start in range(0, len(BODY), 3):
        proof.update(BODY[start : start + 3])
    return proof.is_genuine()


def sign(secret: bytes, text: bytes) -> str:
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("secret", "accepted"), [("old", True), ("new", True), ("older", False), ("", False), ("é", False)]
)
def test_instantly_sends_one_of_our_secrets(secret: str, *, accepted: bool) -> None:
    assert is_genuine("instantly", X_EC_Webhook_Secret=secret) is accepted


def test_a_request_without_proof_is_not_genuine() -> None:
    assert not any(is_genuine(vendor) for vendor in VENDORS)


@pytest.mark.parametrize("unit", [1, 1000])
def test_vapi_signs_its_timestamp_in_seconds_or_milliseconds(unit: int) -> None:
    at = str(int(NOW.timestamp() * unit))
    assert is_genuine("vapi", X_Timestamp=at, X_Signature=sign(b"new", f"{at}.".encode() + BODY))
    assert not is_genuine("vapi", X_Timestamp=str(int(at) + 1), X_Signature=sign(b"new", f"{at}.".encode() + BODY))


@pytest.mark.parametrize("at", ["", "x", "-1", "9" * 400, "²"])
def test_a_signature_of_vapi_with_an_unreadable_timestamp_is_invalid(at: str) -> None:
    assert not is_genuine("vapi", X_Timestamp=at, X_Signature=sign(b"new", f"{at}.".encode() + BODY))


def test_an_old_signature_of_vapi_is_invalid() -> None:
    at = str(int((NOW - timedelta(minutes=6)).timestamp()))
    assert not is_genuine("vapi", X_Timestamp=at, X_Signature=sign(b"new", f"{at}.".encode() + BODY))


def test_vapi_may_send_a_secret_instead_but_not_beside_a_wrong_signature() -> None:
    assert is_genuine("vapi", X_Vapi_Secret="old")
    assert not is_genuine("vapi", X_Vapi_Secret="old", X_Signature="0" * 64, X_Timestamp=str(int(NOW.timestamp())))


def test_calcom_signs_the_body() -> None:
    assert is_genuine("calcom", X_Cal_Signature_256=sign(b"old", BODY))
    assert not is_genuine("calcom", X_Cal_Signature_256=sign(b"none", BODY))
    assert not is_genuine("calcom", X_Cal_Signature_256="no-secret-provided")
    assert not is_genuine("calcom", X_Cal_Signature_256=base64.b64encode(b"0" * 48).decode())


INSTANTLY = {"timestamp": "2026-08-21T15:42:07.318Z", "event_type": "reply_received", "workspace": "w", "email_id": "e"}
VAPI = {"message": {"type": "status-update", "status": "ringing", "timestamp": 1755799502410, "call": {"id": "c"}}}
CALCOM = {"triggerEvent": "BOOKING_CREATED", "createdAt": "2026-08-21T18:20:00.412Z", "payload": {"uid": "u"}}


@pytest.mark.parametrize(("vendor", "message"), [("instantly", INSTANTLY), ("vapi", VAPI), ("calcom", CALCOM)])
def test_all_deliveries_of_a_webhook_have_one_id(vendor: str, message: dict[str, Any]) -> None:
    assert derive_webhook_id(vendor, message, b"one") == derive_webhook_id(vendor, message | {"new": 1}, b"two")
    assert VENDORS[vendor].sent_at(message) is not None


@pytest.mark.parametrize(
    ("vendor", "one", "other"),
    [
        ("instantly", INSTANTLY, INSTANTLY | {"event_type": "email_sent"}),
        ("vapi", VAPI, {"message": VAPI["message"] | {"status": "ended"}}),
        ("calcom", CALCOM, CALCOM | {"triggerEvent": "BOOKING_CANCELLED"}),
        ("calcom", CALCOM, CALCOM | {"payload": {"bookingUid": "v"}}),
    ],
)
def test_different_webhooks_have_different_ids(vendor: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert derive_webhook_id(vendor, one, b"") != derive_webhook_id(vendor, other, b"")


@pytest.mark.parametrize("vendor", list(VENDORS))
@pytest.mark.parametrize(
    "message", [{}, [], {"message": []}, {"message": {"type": 1, "call": 2}}, {"payload": None}, {"timestamp": 7}]
)
def test_a_message_without_identity_is_identified_by_its_bytes(vendor: str, message: Any) -> None:
    assert derive_webhook_id(vendor, message, b"one") != derive_webhook_id(vendor, message, b"two")
    if isinstance(message, dict):
        assert VENDORS[vendor].sent_at(message) is None


def test_a_webhook_with_half_a_surrogate_pair_is_kept() -> None:
    assert parse_webhook_body(b'{"a":"\\ud83d"}') == {"a": "?"}


@pytest.mark.parametrize("body", [b"", b"{", b"1", b'"x"', b"null", b"NaN", b'{"a":NaN}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_or_array_is_refused(body: bytes) -> None:
    with pytest.raises(ProblemError) as refused:
        parse_webhook_body(body)
    assert refused.value.code == "bad_json"
