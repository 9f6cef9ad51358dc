"""The service's part of `equity tlo`: permission, export, import, and the list of batches."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.database import Database
from common.pii.keyring import Keyring
from skiptrace.app import configured_providers, known_readers
from skiptrace.file_batches import queries
from skiptrace.file_batches.import_rows import RowOutcome
from skiptrace.file_batches.lead_export import ExportSummary, LeadExporter, PermissiblePurpose
from skiptrace.file_batches.queries import ListedBatch
from skiptrace.file_batches.result_import import ImportSummary, ResultImporter
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.code_table import CodeTable
from skiptrace.trace.lead_loader import LeadLoader
from skiptrace.trace.request_codec import RequestCodec
from skiptrace.vendors.tlo import EXPORT_HEADER, TloAdapter
from skiptrace.vendors.tlo_mapping import BadMappingError, TloMapping

__all__ = [
    "EXPORT_HEADER",
    "WARNING",
    "BadMappingError",
    "ExportSummary",
    "ImportSummary",
    "RowOutcome",
    "TloExchange",
    "TloMapping",
    "list_missing_permissions",
    "open_exchange",
]


WARNING = """\
TLOxp is a regulated data source. Each search needs a permissible purpose under the Gramm-Leach-Bliley Act
(15 U.S.C. 6801-6827) and under the Driver's Privacy Protection Act (18 U.S.C. 2721-2725). Finding people to market to is
generally not a permissible purpose under either, and a wrong purpose is the firm's offence, not the software's. Ask counsel,
and read the firm's contract with TransUnion, before anything is exported."""

_PERMISSION_SETTINGS = {
    "TLO_PERMISSIBLE_PURPOSE_GLB": "tlo_permissible_purpose_glb",
    "TLO_PERMISSIBLE_PURPOSE_DPPA": "tlo_permissible_purpose_dppa",
    "TLO_WARNING_ACCEPTED_BY": "tlo_warning_accepted_by",
}


def list_missing_permissions(settings: SkiptraceSettings) -> list[str]:
    """Return the environment variables without which TLO must not be used; empty if all are set."""
    return [name for name, field in _PERMISSION_SETTINGS.items() if not (getattr(settings, field) or "").strip()]


@dataclass(frozen=True, slots=True)
class TloExchange:
    """The exchange of files with TLO, for one command."""

    database: Database
    exporter: LeadExporter
    importer: ResultImporter
    settings: SkiptraceSettings
    online: tuple[str, ...]
    """The providers that are asked before TLO."""

    async def export_leads(self, limit: int, made_by: str, progress: Callable[[int], None]) -> ExportSummary:
        """Log up to *limit* leads as exported, under the permissible purpose of the settings."""
        purpose = PermissiblePurpose(
            (self.settings.tlo_permissible_purpose_glb or "").strip(),
            (self.settings.tlo_permissible_purpose_dppa or "").strip(),
            (self.settings.tlo_warning_accepted_by or "").strip(),
            made_by,
        )
        return await self.exporter.export_leads(limit, purpose, progress)

    async def import_file(
        self, file: Path, mapping: Mapping[str, Any], progress: Callable[[int], None], *, write: bool
    ) -> ImportSummary:
        """Store the responses of *file*, or without *write* only count what an import would store.

        Raises pydantic's ValidationError for an invalid mapping, BadMappingError for one that does not fit the file,
        and NotCsvError.
        """
        return await self.importer.import_file(file, TloMapping.model_validate(mapping), progress, write=write)

    async def list_batches(self, limit: int) -> list[ListedBatch]:
        """Return the latest batches with the state of their leads."""
        async with self.database.connection() as connection:
            return await queries.list_batches(connection, limit=limit)


@asynccontextmanager
async def open_exchange(settings: SkiptraceSettings) -> AsyncIterator[TloExchange]:
    """Return the exchange with its database connected, for the context."""
    database, keyring = Database(settings, "tlo"), Keyring.from_settings(settings)
    online, tlo = configured_providers(settings), TloAdapter(settings.tlo_cents)
    codes, codec = CodeTable(database), RequestCodec(keyring)
    loader = LeadLoader(database, keyring, codec, codes, known_readers(settings), settings)
    capabilities = [provider.capabilities for provider in online.values()]
    exporter = LeadExporter(database, loader, codec, codes, capabilities, tlo, settings)
    await database.start()
    try:
        yield TloExchange(database, exporter, ResultImporter(database, codec, tlo), settings, tuple(online))
    finally:
        await database.stop()
