"""The settings with which the services here meet the sandbox in place of a vendor, until somebody sets the vendor's own key."""

from collections.abc import Mapping
from pathlib import Path

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
}
"""By the name of each vendor's key: what stands in for it. It takes more a second than is sent: two clocks count seconds."""


def with_stand_ins(kept: Mapping[str, str], exported: Mapping[str, str], url: str, home: Path) -> dict[str, str]:
    """*kept* with the sandbox at *url* for every vendor without a key of its own, in *kept* or among the *exported*.

    A vendor with its own key keeps nothing of the sandbox, neither address nor rates. The clock can be moved (a file in
    *home*) only where every vendor is the sandbox: nobody real is written to by a clock that was set.
    """
    values, stands_in = dict(kept), True
    for key, settings in STAND_INS.items():
        made = {name: value.format(url=url) for name, value in settings.items()}
        if exported.get(key, made[key]) == kept.get(key, made[key]) == made[key]:
            values = made | values
            continue
        stands_in = False
        values = {name: value for name, value in values.items() if made.get(name) != value}
    if stands_in:
        return {"CLOCK_FILE": str(home / "clock")} | values
    return {name: value for name, value in values.items() if (name, value) != ("CLOCK_FILE", str(home / "clock"))}
