"""Readiness of the services on this machine, as their health endpoint reports it."""

import aiohttp
import orjson

from cli.shell.settings import CliSettings

_ANSWER_SECONDS = 4
"""Longer than the health server's own limit of a check."""
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - replaced, not listened on


async def load_readiness(settings: CliSettings) -> dict[str, list[str]]:
    """Return why each service that runs on this machine is not ready; empty lists for ready ones.

    Return an empty result where no health server answers: services may run elsewhere.
    """
    host = _ANY_ADDRESS.get(settings.health_host, settings.health_host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.health_port}/readyz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS)) as client,
            client.get(url) as answer,
        ):
            services = orjson.loads(await answer.read())["services"]
        return {str(name): [str(reason) for reason in reasons] for name, reasons in services.items()}
    except (aiohttp.ClientError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
