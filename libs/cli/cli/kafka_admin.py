"""Admin client of Kafka, for one command."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from cli.shell.errors import CliError, UnreachableError
from cli.shell.settings import CliSettings
from common.bus.kafka import new_admin

T = TypeVar("T")


def run_with_admin(work: Callable[[AIOKafkaAdminClient, CliSettings], Awaitable[T]]) -> T:
    """Run *work* with an admin client and return its result. Raises a CliError with the reason where that fails."""
    settings = CliSettings()

    async def run() -> T:
        async with open_admin(settings) as admin:
            return await work(admin, settings)

    return asyncio.run(run())


@asynccontextmanager
async def open_admin(settings: CliSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Open an admin client for the time of the block. Raises a CliError with the reason where that, or the block, fails."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its errors arrive as exceptions
    try:
        admin = await new_admin(settings)
    except (KafkaError, OSError, TimeoutError) as error:
        raise UnreachableError(
            f"Kafka at {settings.kafka_bootstrap_servers} does not answer.",
            "Start it (on this machine: `./dev up`, then `./dev equity …`), or correct KAFKA_BOOTSTRAP_SERVERS.",
        ) from error
    try:
        yield admin
    except KafkaError as error:
        raise CliError(f"Kafka refused it: {type(error).__name__}.", "See the broker's log.") from error
    finally:
        await admin.close()
