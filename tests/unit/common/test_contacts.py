"""Contact details are decrypted only for their record, and only with a configured key."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.pii.keyring import DecryptionError, Keyring, MissingKeyError
from common.settings import Settings

LEAD = UUID(int=7)
OLD = Keyring({"k1": b"1" * 32}, "k1", b"p" * 32)
ROTATED = Keyring({"k2": b"2" * 32, "k1": b"1" * 32}, "k2", b"p" * 32)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.sampled_from(["phone", "email"]))
def test_decryption_returns_the_encrypted_contact(value: str, channel: str) -> None:
    key, wrapped = OLD.create_data_key(LEAD)
    assert OLD.unwrap_data_key(LEAD, wrapped).decrypt(channel, key.encrypt(channel, value)) == value


def test_a_ciphertext_is_bound_to_its_lead_and_channel() -> None:
    key, wrapped = OLD.create_data_key(LEAD)
    encrypted = key.encrypt("phone", "+17275550142")
    with pytest.raises(DecryptionError):
        key.decrypt("email", encrypted)
    with pytest.raises(DecryptionError):
        OLD.unwrap_data_key(uuid4(), wrapped)


def test_a_ciphertext_with_a_changed_byte_is_not_decrypted() -> None:
    key, _ = OLD.create_data_key(LEAD)
    encrypted = bytearray(key.encrypt("email", "a@example.com"))
    for place in range(len(encrypted)):
        encrypted[place] ^= 1
        with pytest.raises(DecryptionError):
            key.decrypt("email", bytes(encrypted)) if place > 20 else OLD.decrypt("x", b"", bytes(encrypted))
        encrypted[place] ^= 1


def test_after_a_rotation_old_keys_decrypt_and_new_keys_encrypt() -> None:
    key, wrapped = OLD.create_data_key(LEAD)
    encrypted = key.encrypt("phone", "+17275550142")
    assert ROTATED.unwrap_data_key(LEAD, wrapped).decrypt("phone", encrypted) == "+17275550142"
    rewrapped = ROTATED.rewrap_data_key(LEAD, wrapped)
    with pytest.raises(DecryptionError, match="ENCRYPTION_KEYS_RETIRED"):
        OLD.unwrap_data_key(LEAD, rewrapped)
    assert ROTATED.unwrap_data_key(LEAD, rewrapped).decrypt("phone", encrypted) == "+17275550142"


@given(st.binary(max_size=64))
def test_bytes_that_are_no_ciphertext_raise(noise: bytes) -> None:
    with pytest.raises(DecryptionError):
        OLD.decrypt("dead-letter", b"", noise)


def test_the_hash_is_keyed() -> None:
    assert OLD.hash_contact("+17275550142") == ROTATED.hash_contact("+17275550142")
    assert OLD.hash_contact("+17275550142") != Keyring({"k1": b"1" * 32}, "k1", b"q" * 32).hash_contact("+17275550142")


def test_the_error_names_the_missing_key() -> None:
    with pytest.raises(MissingKeyError, match="CONTACT_HASH_KEY"):
        Keyring({"k1": b"1" * 32}, "k1").hash_contact("x")
    with pytest.raises(MissingKeyError, match="ENCRYPTION_KEY"):
        Keyring.from_settings(Settings(encryption_key=None))


def test_keys_are_read_from_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", "32" * 32)
    monkeypatch.setenv("ENCRYPTION_KEY_ID", "k2")
    monkeypatch.setenv("ENCRYPTION_KEYS_RETIRED", f"k1:{'31' * 32}")
    ring = Keyring.from_settings(Settings())
    assert ring.decrypt("x", b"y", OLD.encrypt("x", b"y", b"plain")) == b"plain"
