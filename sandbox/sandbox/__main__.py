"""`python -m sandbox`: the vendors' stand-ins until SIGTERM or Ctrl-C."""

import argparse
from collections.abc import Sequence

from common.service import main as run_services
from sandbox.app import build
from sandbox.settings import SandboxSettings

_EPILOG = """\
Base URLs:    <url>/melissa  <url>/batchdata  <url>/batchdata_mcp/mcp (or /sse)  <url>/instantly
Control API:  <url>/_sandbox/faults  /fault-kinds  /calls/<vendor>  /paid/<vendor>  /people  /instantly  /reset
Everything can be set in the environment too: SANDBOX_HOST, SANDBOX_PORT, SANDBOX_SEED and the vendors' keys and limits
(sandbox/README.md)."""


def parse(arguments: Sequence[str] | None = None) -> SandboxSettings:
    """The settings that the command line and the environment make."""
    defaults = SandboxSettings()
    parser = argparse.ArgumentParser(
        "python -m sandbox", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default=defaults.sandbox_host, help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=defaults.sandbox_port, help="port; 0 takes a free one (%(default)s)"
    )
    parser.add_argument("--seed", default=defaults.sandbox_seed, help="another seed makes other people (%(default)s)")
    given = parser.parse_args(arguments)
    return defaults.model_copy(
        update={"sandbox_host": given.host, "sandbox_port": given.port, "sandbox_seed": given.seed}
    )


if __name__ == "__main__":
    settings = parse()
    run_services([build(settings)], settings)
