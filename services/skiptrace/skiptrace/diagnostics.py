"""The part of skiptrace in `equity doctor`."""

from cli.diagnostics import ServiceDiagnostics
from skiptrace.settings import SkiptraceSettings

DIAGNOSTICS = ServiceDiagnostics(SkiptraceSettings)
