"""Settings that replace a vendor by the sandbox until the key of the vendor is set."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

SMTP_PORT = 8025
"""Port of the sandbox's SMTP server, unless SANDBOX_SMTP_PORT is set."""
STAND_INS = {
    "MELISSA_LICENSE_KEY": {
        "MELISSA_LICENSE_KEY": "sandbox-melissa-license",
        "MELISSA_URL": "{url}/melissa",
        "MELISSA_RECORDS_PER_SECOND": "200",
        "SANDBOX_MELISSA_RECORDS_PER_SECOND": "400",
    },
    "BATCHDATA_TOKEN": {
        "BATCHDATA_TOKEN": "sandbox-batchdata-token-0000000000000000",
        "BATCHDATA_URL": "{url}/batchdata",
        "BATCHDATA_MCP_URL": "{url}/batchdata_mcp/mcp",
    },
    "INSTANTLY_API_KEY": {
        "INSTANTLY_API_KEY": "sandbox-instantly-key",
        "INSTANTLY_BASE_URL": "{url}/instantly",
        "INSTANTLY_REQUESTS_PER_SECOND": "50",
        "RECONCILE_SECONDS": "1",
    },
    "OPENROUTER_API_KEY": {
        "OPENROUTER_API_KEY": "sandbox-openrouter-key",
        "OPENROUTER_BASE_URL": "{url}/openrouter",
    },
    "SMTP_URL": {
        "SMTP_URL": "smtp://{smtp}",
        "SMTP_FROM": "Equity Connect sandbox <office@sandbox.example>",
        "MAIL_POSTAL_ADDRESS": "1 Sample Street, Tampa, FL 33602",
        "MAIL_CHECK_SECONDS": "1",
    },
}
"""Sandbox settings by the name of the vendor's key.

The sandbox allows a higher rate than the service sends, because two clocks count the seconds.
"""


def with_stand_ins(kept: Mapping[str, str], exported: Mapping[str, str], url: str, home: Path) -> dict[str, str]:
    """Return *kept* with the sandbox at *url* for every vendor without a real key in *kept* or in *exported*.

    A vendor with a real key has neither the address nor the rates of the sandbox. The clock is movable (by a file in
    *home*) only if the sandbox replaces every vendor, so that no real person is contacted by a moved clock.
    """
    values, all_replaced = dict(kept), True
    smtp = f"{urlsplit(url).hostname}:{kept.get('SANDBOX_SMTP_PORT', SMTP_PORT)}"
    for key, settings in STAND_INS.items():
        made = {name: value.format(url=url, smtp=smtp) for name, value in settings.items()}
        if exported.get(key, made[key]) == kept.get(key, made[key]) == made[key]:
            values = made | values
            continue
        all_replaced = False
        values = {name: value for name, value in values.items() if made.get(name) != value}
    if all_replaced:
        return {"CLOCK_FILE": str(home / "clock")} | values
    return {name: value for name, value in values.items() if (name, value) != ("CLOCK_FILE", str(home / "clock"))}
