"""Command line of `./dev`: `python -m local_services up|down|status|install PACKAGE…`."""

import sys

from local_services import debian, stack
from local_services.processes import LocalServiceError


def main(command: str = "", *arguments: str) -> int:
    """Run *command* and return its exit code."""
    try:
        match command:
            case "up":
                stack.up()
            case "down":
                stack.down()
            case "status":
                return 0 if stack.status() else 1
            case "install":
                debian.install(arguments)
            case _:
                sys.stderr.write(f"{__doc__}\n")
                return 2
    except LocalServiceError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
