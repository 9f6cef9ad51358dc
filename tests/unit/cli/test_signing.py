"""Signatures as the HMAC guide defines them, made in one pass over the file."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from cli.client.signing import SigningKey, SigningScheme, format_rfc3339

NOW = datetime(2026, 3, 1, 17, 5, 9, 999_999, UTC)
STAMP = "2026-03-01T17:05:09Z"
SECRET = b"5" * 64


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"Address,City\r\n" + b"418 Palmetto Ave,Dunedin\r\n" * 100_000)
    return path


def digest(signed: bytes) -> str:
    return hmac.new(SECRET, signed, hashlib.sha256).hexdigest()


def test_v2_signs_the_timestamp_and_the_body(file: Path) -> None:
    headers = SigningKey("acme-1", SECRET, SigningScheme.V2).sign_file(file, NOW)
    assert headers == {
        "X-Key-Id": "acme-1",
        "X-Signature-Timestamp": STAMP,
        "X-Signature": "v2=" + digest(STAMP.encode() + b"." + file.read_bytes()),
        "X-Content-SHA256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def test_body_signs_the_body_alone(file: Path) -> None:
    headers = SigningKey("default", SECRET, SigningScheme.BODY).sign_file(file, NOW)
    assert headers["X-Signature"] == "sha256=" + digest(file.read_bytes())


@pytest.mark.parametrize("scheme", SigningScheme)
def test_both_schemes_sign_reads_alike(scheme: SigningScheme) -> None:
    headers = SigningKey("acme-1", SECRET, scheme).sign_read("/v1/uploads/7", NOW)
    assert headers["X-Signature"] == "v2=" + digest(f"{STAMP}.GET /v1/uploads/7".encode())


def test_progress_counts_every_byte_once(file: Path) -> None:
    seen: list[int] = []
    SigningKey("acme-1", SECRET, SigningScheme.V2).sign_file(file, NOW, seen.append)
    assert sum(seen) == file.stat().st_size
    assert len(seen) > 1


def test_a_key_does_not_print_its_secret() -> None:
    assert SECRET.decode() not in repr(SigningKey("acme-1", SECRET, SigningScheme.V2))


def test_timestamps_are_utc_in_every_zone() -> None:
    assert format_rfc3339(NOW.astimezone(timezone(timedelta(hours=-8)))) == STAMP
