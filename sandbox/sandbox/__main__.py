"""Command `python -m sandbox`: runs the stand-ins of the vendors until SIGTERM or Ctrl-C."""

import argparse
from collections.abc import Sequence

from common.service import main as run_services
from sandbox.app import build
from sandbox.settings import SandboxSettings

_EPILOG = """\
Base URLs:    <url>/melissa  <url>/batchdata  <url>/batchdata_mcp/mcp (or /sse)  <url>/instantly  <url>/openrouter
Control API:  <url>/_sandbox/faults  /fault-kinds  /calls/<vendor>  /paid/<vendor>  /people  /instantly  /openrouter  /smtp
              <url>/_sandbox/reset
SMTP:         a free port, or SANDBOX_SMTP_PORT
The environment sets the same and more: SANDBOX_HOST, SANDBOX_PORT, SANDBOX_SEED, the vendors' keys and limits
(sandbox/README.md)."""


def parse_settings(arguments: Sequence[str] | None = None) -> SandboxSettings:
    """Return the settings from the command line and the environment."""
    defaults = SandboxSettings()
    parser = argparse.ArgumentParser(
        "python -m sandbox", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default=defaults.sandbox_host, help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=defaults.sandbox_port, help="port; 0 takes a free one (%(default)s)"
    )
    parser.add_argument("--seed", default=defaults.sandbox_seed, help="another seed gives other people (%(default)s)")
    given = parser.parse_args(arguments)
    return defaults.model_copy(
        update={"sandbox_host": given.host, "sandbox_port": given.port, "sandbox_seed": given.seed}
    )


if __name__ == "__main__":
    settings = parse_settings()
    run_services([build(settings)], settings)
