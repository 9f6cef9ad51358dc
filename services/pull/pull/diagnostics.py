"""The part of pull in `equity doctor`."""

from cli.diagnostics import ServiceDiagnostics
from pull.settings import PullSettings

DIAGNOSTICS = ServiceDiagnostics(PullSettings)
