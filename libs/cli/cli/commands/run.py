"""Run services in this process."""

import importlib
from typing import Annotated

import typer

from cli.errors import UsageError
from cli.lazy import new_app
from common.service import Runnable, main

app = new_app()

SERVICES = ("gateway", "ingest", "recorder", "skiptrace", "feeder")
"""Every service, in the order of a lead's way."""
SANDBOX = "sandbox"
"""The vendors' stand-ins; `all` leaves them out."""


@app.command()
def run(
    services: Annotated[
        list[str], typer.Argument(metavar="SERVICE...", help=f"{', '.join(SERVICES)}, or all; {SANDBOX}.")
    ],
) -> None:
    """Run one or several services until SIGTERM or Ctrl-C; then they finish what is in flight."""
    built = [_build(name) for name in _chosen(services)]
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


def _build(name: str) -> Runnable:
    try:
        module = importlib.import_module(f"{name}.app")
    except ModuleNotFoundError as error:
        if error.name not in (name, f"{name}.app"):
            raise
        raise UsageError(
            f"The service {name} is not installed here.", f"Install it: pip install equity-{name}"
        ) from error
    service: Runnable = module.build()
    return service
