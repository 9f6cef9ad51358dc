"""Installation in which `equity demo` runs to its end: all services that it needs, at a sandbox that replaces the vendors."""

from pathlib import Path

from local_services.processes import free_port
from local_services.stand_ins import with_stand_ins
from sandbox.app import Sandbox
from support.commandline import Equity
from support.installation import Installation, Spawned

SERVICES = ("gateway", "ingest", "recorder", "skiptrace", "feeder", "consent", "replies")
DEMO_SECONDS = 600
"""Longest time of one demo on a machine that is busy with other tests."""


async def start_demo_services(
    installation: Installation, sandbox: Sandbox, directory: Path, **settings: str
) -> Spawned:
    """Subscribe the gateway to webhooks and start SERVICES, as `./dev up` does. The movable clock's file is in *directory*."""
    environment = installation.environment(*SERVICES, **_demo_environment(sandbox, directory) | settings)
    gateway = f"http://127.0.0.1:{environment['GATEWAY_PORT']}"
    (await Equity(environment).soon("replies", "subscribe", gateway)).ok()
    return await installation.spawn(*SERVICES, **environment)


def _demo_environment(sandbox: Sandbox, directory: Path) -> dict[str, str]:
    port = str(free_port())
    return with_stand_ins({}, {}, sandbox.url, directory) | {
        "SANDBOX_URL": sandbox.url,
        "SMTP_URL": f"smtp://127.0.0.1:{sandbox.state.smtp.port}",
        "GATEWAY_PORT": str(free_port()),
        "CONSENT_PORT": port,
        "CONSENT_FORM_URL": f"http://127.0.0.1:{port}/consent",
        "INSTANTLY_WEBHOOK_SECRETS": "w" * 64,
    }
