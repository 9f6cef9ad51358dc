"""The part of ingest in `equity doctor`."""

from cli.diagnostics import ServiceDiagnostics
from ingest.settings import IngestSettings

DIAGNOSTICS = ServiceDiagnostics(IngestSettings)
