"""The part of skip tracing in `equity doctor`."""

from cli.diagnostics import Finding, ServiceDiagnostics
from skiptrace.app import configured_providers
from skiptrace.settings import SkiptraceSettings

CHECK = "vendors"


def check_settings(settings: SkiptraceSettings) -> list[Finding]:
    """Return which providers of the order have their key. None of them has a call that is free and read-only."""
    configured = configured_providers(settings)
    if not configured:
        advice = "Set MELISSA_LICENSE_KEY or BATCHDATA_TOKEN where skiptrace runs: docs/verification.md."
        return [Finding.warning(CHECK, "no provider of SKIPTRACE_ORDER has its key, so no lead is traced", advice)]
    findings = [
        Finding.ok(CHECK, f"{name}: the key is set; not asked, because calls are charged") for name in configured
    ]
    for name in settings.policy.order:
        if name not in configured:
            advice = "Set its key, or take it out of SKIPTRACE_ORDER."
            findings.append(Finding.warning(CHECK, f"{name} is in SKIPTRACE_ORDER and its key is not set", advice))
    return findings


DIAGNOSTICS = ServiceDiagnostics(SkiptraceSettings, check_settings=check_settings)
