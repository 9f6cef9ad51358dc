"""Message inside a dead letter: key, headers and value, packed so that any bytes survive."""

from base64 import b64decode, b64encode
from collections.abc import Sequence

import orjson


def pack_message(key: bytes | None, headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> bytes:
    """Return one message as bytes, to be encrypted."""
    return orjson.dumps([_text(key), [[name, _text(content)] for name, content in headers or ()], _text(value)])


def unpack_message(packed: bytes) -> tuple[bytes | None, list[tuple[str, bytes | None]], bytes | None]:
    """Return key, headers and value as `pack_message` was given them."""
    key, headers, value = orjson.loads(packed)
    return _bytes(key), [(name, _bytes(content)) for name, content in headers], _bytes(value)


def _text(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
