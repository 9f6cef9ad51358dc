"""Run services in this process."""

from typing import Annotated

import typer

from cli.errors import UsageError
from cli.lazy import new_app
from cli.services import SANDBOX, SERVICES, build
from common.service import main

app = new_app()


@app.command()
def run(
    services: Annotated[
        list[str], typer.Argument(metavar="SERVICE...", help=f"{', '.join(SERVICES)}, or all; {SANDBOX}.")
    ],
) -> None:
    """Run one or several services until SIGTERM or Ctrl-C; then they finish what is in flight."""
    built = [build(name) for name in _chosen(services)]
    main(built, built[0].settings)


def _chosen(named: list[str]) -> tuple[str, ...]:
    if "all" in named:
        return SERVICES
    for name in named:
        if name not in (*SERVICES, SANDBOX):
            raise UsageError(
                f"There is no service {name!r}.", f"There are {', '.join(SERVICES)}; `all` runs every one."
            )
    return tuple(dict.fromkeys(named))
