"""On-demand work for the command line: pull one search now, and decrypt a rejected entry."""

import json
from typing import Any
from uuid import UUID

from common.pii.keyring import Keyring
from pull.app import build, build_puller
from pull.page_log import REJECT_PURPOSE, BrokerDisabledError
from pull.settings import PullSettings

__all__ = ["BrokerDisabledError", "MissingTokenError", "decrypt_reject", "pull_search_now"]


class MissingTokenError(RuntimeError):
    """BATCHDATA_TOKEN is not set."""

    def __init__(self) -> None:
        super().__init__("BATCHDATA_TOKEN is not set here")


async def pull_search_now(settings: PullSettings, name: str) -> tuple[str, str]:
    """Pull the search *name* now, and return the outcome and its detail. Start a new round if none is open.

    The outcome `busy` means that another process holds the search. Records leave through the outbox, so the pull service has to
    run. Raises MissingTokenError, LookupError when the search does not exist, and BrokerDisabledError.
    """
    service = build(settings)
    puller = build_puller(service, settings)
    if puller is None:
        raise MissingTokenError
    await service.database.start()
    try:
        stop = await puller.pull_search_by_name(name)
        return (stop.outcome, stop.detail) if stop else ("busy", "")
    finally:
        await service.database.stop()


def decrypt_reject(keyring: Keyring, reject_id: UUID, encrypted: bytes) -> Any:
    """Return a rejected entry of a page as BatchData sent it. Raises DecryptionError."""
    return json.loads(keyring.decrypt(REJECT_PURPOSE, reject_id.bytes, encrypted))
