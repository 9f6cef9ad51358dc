"""Errors of commands. Each says what happened and what to do next, and carries no secret."""

OK = 0
FAILED = 1
USAGE = 2
REFUSED = 3
UNREACHABLE = 4


class CliError(Exception):
    """A failure that a command foresees. *advice* is the next step for the user."""

    exit_code = FAILED

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


class UsageError(CliError):
    """A command was called in a way that cannot work, or a setting is missing or wrong."""

    exit_code = USAGE


class CommandRefusedError(CliError):
    """A command was understood and not executed: a conflict, a repeat, a wrong key, or a missing right."""

    exit_code = REFUSED


class UnreachableError(CliError):
    """PostgreSQL, Kafka or the gateway does not answer."""

    exit_code = UNREACHABLE


class UnexpectedError(CliError):
    """An error that no command foresees, so a fault of this program. The message names its class and place, and no value."""
