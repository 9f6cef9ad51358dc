"""One search pulled by hand, and what could not be read of its pages: for the command line."""

import json
from typing import Any
from uuid import UUID

from common.contacts import Keyring
from pull.app import build, puller_of
from pull.ledger import SEAL, UnwantedError
from pull.settings import PullSettings

__all__ = ["NoTokenError", "UnwantedError", "open_reject", "pull_search"]


class NoTokenError(RuntimeError):
    """There is no token to pull with."""

    def __init__(self) -> None:
        super().__init__("BATCHDATA_TOKEN is not set here")


async def pull_search(settings: PullSettings, name: str) -> tuple[str, str]:
    """Pull the search *name* now, in a new round if none is open: why it stopped, and details.

    `busy`: another process has it. What it finds leaves by the outbox, so the pull service has to run. Raises NoTokenError,
    LookupError when there is no such search, and UnwantedError when its broker takes no leads.
    """
    service = build(settings)
    puller = puller_of(service, settings)
    if puller is None:
        raise NoTokenError
    await service.database.start()
    try:
        stop = await puller.pull_named(name)
        return (stop.reason, stop.detail) if stop else ("busy", "")
    finally:
        await service.database.stop()


def open_reject(keyring: Keyring, reject_id: UUID, sealed: bytes) -> Any:
    """An entry of a page that was no property, as it came. Raises CannotOpenError."""
    return json.loads(keyring.unseal(SEAL, reject_id.bytes, sealed))
