"""Commands as the user must type them: `./dev equity ...` where ./dev runs the command line."""

import os
import re

_COMMANDS = "demo|upload|uploads|searches|funnel|dlq|conflicts|campaigns|feed|tlo|brokers|partners|keys|run|jobs|clock|topics|db"
_NAMED = re.compile(rf"(?<![\w/.-])(?<!\./dev )equity (?=(?:{_COMMANDS}|--\w+)\b)")


def program() -> str:
    """Return how the command line is called here: what EQUITY_COMMAND says, else `equity`."""
    return os.environ.get("EQUITY_COMMAND") or "equity"


def as_typed(text: str) -> str:
    """Return *text* with every `equity COMMAND` in it as it must be typed here."""
    return _NAMED.sub(lambda _: f"{program()} ", text)
