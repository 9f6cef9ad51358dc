"""Values as a person reads them. Files and names may hold control characters: they are shown, never sent to the terminal."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_CONTROL_CHARACTERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters that control a terminal, reorder the text around them, or are invisible."""


def escape_control_characters(text: str) -> str:
    r"""Return *text* with every character that controls a terminal written as `\x1b` and the like."""
    return _CONTROL_CHARACTERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def escape_json_text(text: str) -> str:
    r"""Return JSON *text* with these characters written as `\u202e` and the like. It is decoded to the same value."""
    return _CONTROL_CHARACTERS.sub(lambda found: json.dumps(found[0])[1:-1], text)


def format_value(value: object) -> str:  # noqa: PLR0911 - one line a case
    """Return *value* as a person reads it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
        case float() | Decimal():
            return f"{value:,.1f}"
        case int():
            return f"{value:,}"
        case Mapping():
            pairs = _largest_first(value)
            return ", ".join(f"{escape_control_characters(str(name))} {format_value(held)}" for name, held in pairs)
        case list() | tuple():
            return ", ".join(escape_control_characters(str(one)) for one in value)
        case _:
            return escape_control_characters(str(value))


def _largest_first(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the items of *value*; counts are sorted, the largest first."""
    are_counts = all(isinstance(held, int) for held in value.values())
    return sorted(value.items(), key=lambda item: (-item[1], item[0])) if are_counts else list(value.items())
