"""What can go wrong in the user's hands. Each error says what happened and what to do next, and carries no secret."""

OK = 0
FAILED = 1
USAGE = 2
REFUSED = 3
UNREACHABLE = 4


class CliError(Exception):
    """Something failed as it may. *advice* is the next thing to do."""

    exit_code = FAILED

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


class UsageError(CliError):
    """The command was called in a way that cannot work, or a setting is missing or wrong."""

    exit_code = USAGE


class RefusedError(CliError):
    """It was understood and not done: a conflict, a repeat, a wrong key, a missing right."""

    exit_code = REFUSED


class UnreachableError(CliError):
    """PostgreSQL, Kafka or the gateway does not answer."""

    exit_code = UNREACHABLE


class UnexpectedError(CliError):
    """Something that no command foresees: a fault of ours. The message names its kind and place, and no value."""
