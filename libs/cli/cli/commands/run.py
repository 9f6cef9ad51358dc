"""Run services in this process."""

from typing import Annotated

import typer

from cli import registry
from cli.registry import SANDBOX
from cli.shell.app import new_app
from cli.shell.errors import UsageError
from common.service import main

app = new_app(panel="Running it", summary="Run services in this process.", order=10)


@app.command()
def run_services(
    services: Annotated[
        list[str],
        typer.Argument(metavar="SERVICE...", help=f"{', '.join(registry.service_names())}, or all; {SANDBOX}."),
    ],
) -> None:
    """Run one or several services until SIGTERM or Ctrl-C; then they finish what is in flight."""
    built = [registry.load_service_builder(name)() for name in _choose_services(services)]
    main(built, built[0].settings)


def _choose_services(named: list[str]) -> tuple[str, ...]:
    installed = registry.service_names()
    if "all" in named:
        return installed
    for name in named:
        if name not in (*installed, SANDBOX):
            raise UsageError(
                f"There is no service {name!r}.", f"There are {', '.join(installed)}; `all` runs every one."
            )
    return tuple(dict.fromkeys(named))
