"""Translation of providers' codes into flags, by the rows of `verification_code_map`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_FAMILY_LETTERS = 2
"""Codes of one family begin with the same letters: `PE01` and `PE11` belong to `PE*`."""


@dataclass(frozen=True, slots=True)
class CodeFlags:
    """Statements of codes about a value or a person; None means no statement."""

    verified: bool | None = None
    line_type: str | None = None
    dnc: bool | None = None
    litigator: bool | None = None
    deceased: bool | None = None


class CodeMap:
    """Flags of each code, at one moment."""

    def __init__(self, rows: Iterable[tuple[str, str, str, CodeFlags]]) -> None:
        self._flags: Mapping[tuple[str, str, str], CodeFlags] = {
            (provider, channel, code): flags for provider, channel, code, flags in rows
        }

    def combine_flags(self, provider: str, channel: str, codes: Iterable[str]) -> CodeFlags:
        """Return the statement of all *codes* together.

        A code that rules a value out beats codes that verify it. A code that warns beats codes that clear. A code
        without a row takes the row of its family (`PE*`), and makes no statement if there is none.
        """
        known = [flags for code in codes if (flags := self._find(provider, channel, code))]
        return CodeFlags(
            verified=_false_wins([flags.verified for flags in known]),
            line_type=next((flags.line_type for flags in known if flags.line_type), None),
            dnc=_true_wins([flags.dnc for flags in known]),
            litigator=_true_wins([flags.litigator for flags in known]),
            deceased=_true_wins([flags.deceased for flags in known]),
        )

    def _find(self, provider: str, channel: str, code: str) -> CodeFlags | None:
        family = f"{code[:_FAMILY_LETTERS]}*"
        return self._flags.get((provider, channel, code)) or self._flags.get((provider, channel, family))


def _false_wins(statements: list[bool | None]) -> bool | None:
    if False in statements:
        return False
    return True if True in statements else None


def _true_wins(statements: list[bool | None]) -> bool | None:
    if True in statements:
        return True
    return False if False in statements else None
