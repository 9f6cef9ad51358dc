"""Commands as the user must type them: `./dev equity ...` where ./dev runs the command line."""

import os
import re
from functools import cache

from cli.registry import command_names


def program_name() -> str:
    """Return the words that call the command line here: the value of EQUITY_COMMAND, else `equity`."""
    return os.environ.get("EQUITY_COMMAND") or "equity"


def as_typed(text: str) -> str:
    """Return *text* with every `equity COMMAND` in it as the user must type it here."""
    return _command_pattern().sub(lambda _: f"{program_name()} ", text)


@cache
def _command_pattern() -> re.Pattern[str]:
    names = "|".join(map(re.escape, command_names()))
    return re.compile(rf"(?<![\w/.-])(?<!\./dev )equity (?=(?:{names}|--\w+)\b)")
