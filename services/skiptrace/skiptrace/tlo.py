"""What `equity tlo` does: the warning that stands before it, files handed out, files taken in, and the batches so far."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.contacts import Keyring
from common.database import Database, load_queries
from skiptrace.app import configured_providers, known_providers
from skiptrace.board import Board
from skiptrace.codes import Codes
from skiptrace.handing_out import HandedOut, HandingOut, Permission
from skiptrace.ledger import Ledger
from skiptrace.settings import SkiptraceSettings
from skiptrace.taking_in import TakenIn, TakingIn, Verdict
from skiptrace.vendors.tlo import EXPORTED, NAME, BadMappingError, Tlo, TloMapping

__all__ = [
    "EXPORTED",
    "WARNING",
    "BadMappingError",
    "Desk",
    "HandedOut",
    "TakenIn",
    "TloMapping",
    "Verdict",
    "not_permitted",
    "opened",
]

queries = load_queries(__file__, "batches.sql")

WARNING = """\
TLOxp is a regulated data source. Each search needs a permissible purpose under the Gramm-Leach-Bliley Act
(15 U.S.C. 6801-6827) and under the Driver's Privacy Protection Act (18 U.S.C. 2721-2725). Finding people to market to is
generally not a permissible purpose under either, and a wrong purpose is the firm's offence, not the software's. Ask counsel,
and read the firm's contract with TransUnion, before anything is exported."""

_NEEDED = {
    "TLO_PERMISSIBLE_PURPOSE_GLB": "tlo_permissible_purpose_glb",
    "TLO_PERMISSIBLE_PURPOSE_DPPA": "tlo_permissible_purpose_dppa",
    "TLO_WARNING_ACCEPTED_BY": "tlo_warning_accepted_by",
}


def not_permitted(settings: SkiptraceSettings) -> list[str]:
    """The environment variables that are missing for TLO to be used at all; empty when it may be."""
    return [name for name, field in _NEEDED.items() if not (getattr(settings, field) or "").strip()]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything of one command."""

    database: Database
    handing_out: HandingOut
    taking_in: TakingIn
    settings: SkiptraceSettings
    online: tuple[str, ...]
    """The providers that have their turn first."""

    async def hand_out(self, most: int, made_by: str, progress: Callable[[int], None]) -> HandedOut:
        """Write down up to *most* leads as out, under the settings' permissible purpose."""
        permission = Permission(
            (self.settings.tlo_permissible_purpose_glb or "").strip(),
            (self.settings.tlo_permissible_purpose_dppa or "").strip(),
            (self.settings.tlo_warning_accepted_by or "").strip(),
            made_by,
        )
        return await self.handing_out.hand_out(most, permission, progress)

    async def take_in(
        self, file: Path, mapping: Mapping[str, Any], progress: Callable[[int], None], *, write: bool
    ) -> TakenIn:
        """Store the answers of *file*, or without *write* only say what would be.

        Raises pydantic's ValidationError for what is no mapping, BadMappingError for one that does not fit, and NotCsvError.
        """
        return await self.taking_in.take_in(file, TloMapping.model_validate(mapping), progress, write=write)

    async def batches(self, many: int) -> list[dict[str, Any]]:
        """The latest batches, and how their leads stand."""
        async with self.database.connection() as connection:
            return [dict(row) async for row in queries.list_batches(connection, many=many)]


@asynccontextmanager
async def opened(settings: SkiptraceSettings) -> AsyncIterator[Desk]:
    """The desk, with its database connected."""
    database, keyring = Database(settings, "tlo"), Keyring.from_settings(settings)
    online, tlo = configured_providers(settings), Tlo(settings.tlo_cents)
    codes, ledger = Codes(database), Ledger(database, keyring, settings)
    board = Board(database, keyring, ledger, codes, {**known_providers(settings), NAME: tlo}, settings)
    offers = [provider.offer for provider in online.values()]
    await database.start()
    try:
        handing_out = HandingOut(database, board, ledger, codes, offers, tlo, settings)
        yield Desk(database, handing_out, TakingIn(database, ledger, tlo), settings, tuple(online))
    finally:
        await database.stop()
