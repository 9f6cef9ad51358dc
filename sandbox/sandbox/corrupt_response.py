"""Ways to corrupt a JSON response."""

from typing import Any


def change_types(value: Any) -> Any:
    """Return *value* with every leaf of another type than it should have, and lists as objects."""
    if isinstance(value, dict):
        return {key: change_types(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return {str(index): change_types(inner) for index, inner in enumerate(value)}
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else [value]
    return str(value)


def repeat_first_entries(value: Any) -> Any:
    """Return *value* with the first entry of every list of objects repeated at the end of the list."""
    if isinstance(value, dict):
        return {key: repeat_first_entries(inner) for key, inner in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        entries = [repeat_first_entries(inner) for inner in value]
        return [*entries, entries[0]]
    return value
