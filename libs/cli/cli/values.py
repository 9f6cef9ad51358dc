"""Values as a person reads them. Control characters are shown, never sent to the terminal: files and names bring them along."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    r"""Return *text* with every character that steers a terminal written as `\x1b` and the like."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def plain(value: object) -> str:  # noqa: PLR0911 - one line a case
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
            return ", ".join(f"{safe(str(name))} {plain(held)}" for name, held in _larger_first(value))
        case list() | tuple():
            return ", ".join(safe(str(one)) for one in value)
        case _:
            return safe(str(value))


def _larger_first(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The items; of counts the larger ones first."""
    counts = all(isinstance(held, int) for held in value.values())
    return sorted(value.items(), key=lambda item: (-item[1], item[0])) if counts else list(value.items())
