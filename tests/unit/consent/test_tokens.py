"""Tokens of consent forms: what was signed reads back, and nothing else does."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from common.compliance.links import build_link_token
from consent.tokens import FormToken, build_token, read_token

SECRET = b"secret"
TOKEN = FormToken(UUID(int=5), bytes(range(16)), datetime(2026, 12, 6, tzinfo=UTC), "es", bytes(16))


@given(
    st.uuids(), st.binary(min_size=16, max_size=16), st.sampled_from(["en", "es"]), st.binary(min_size=16, max_size=16)
)
def test_a_token_reads_back_under_any_of_the_secrets(
    token_id: UUID, nonce: bytes, language: str, digest: bytes
) -> None:
    token = FormToken(token_id, nonce, TOKEN.expires_at, language, digest)  # type: ignore[arg-type]
    assert read_token(build_token(token, SECRET), [b"newer", SECRET]) == token


@given(st.text(max_size=400))
def test_any_other_text_is_malformed_or_forged(text: str) -> None:
    assert read_token(text, [SECRET]) in ("malformed", "forged")


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_token_with_a_changed_character_is_refused(place: int, by: int) -> None:
    text = build_token(TOKEN, SECRET)
    place %= len(text) - 1
    if text[place + 1 : place + 2] in (".", ""):
        place -= 1  # the last character of base64 carries bits that mean nothing
    changed = text[:place] + chr((ord(text[place]) + by) % 128) + text[place + 1 :]
    assert changed == text or read_token(changed, [SECRET]) in ("malformed", "forged")


def test_a_link_is_no_token_and_another_secret_opens_none() -> None:
    assert read_token(build_link_token(SECRET, TOKEN.token_id), [SECRET]) == "malformed"
    assert read_token(build_token(TOKEN, SECRET), [b"another"]) == "forged"
    assert read_token(build_token(TOKEN, SECRET), []) == "forged"
