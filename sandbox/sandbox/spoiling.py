"""Ways to spoil a JSON answer."""

from typing import Any


def mistype(value: Any) -> Any:
    """*value* with every leaf of another type than it should have, and lists as objects."""
    if isinstance(value, dict):
        return {key: mistype(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return {str(index): mistype(inner) for index, inner in enumerate(value)}
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else [value]
    return str(value)


def repeat_first(value: Any) -> Any:
    """*value* with the first entry of every list of objects once more at the end."""
    if isinstance(value, dict):
        return {key: repeat_first(inner) for key, inner in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        entries = [repeat_first(inner) for inner in value]
        return [*entries, entries[0]]
    return value
