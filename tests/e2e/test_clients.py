"""The HMAC guide's clients upload to a real gateway, with keys of both schemes, as they stand in docs/clients."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from local_services.processes import free_port
from support.commandline import Equity, run
from support.installation import Installation

CLIENTS = Path(__file__).parents[2] / "docs" / "clients"
COMMANDS = {
    "python": [sys.executable, CLIENTS / "python" / "upload.py"],
    "node": ["node", CLIENTS / "node" / "upload.mjs"],
    "shell": ["sh", CLIENTS / "shell" / "upload.sh"],
}


@pytest.mark.parametrize("client", COMMANDS)
async def test_a_client_uploads_with_both_schemes(client: str, installation: Installation, tmp_path: Path) -> None:
    command = list(map(str, COMMANDS[client]))
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed here")
    services = await installation.spawn("gateway", "ingest", GATEWAY_KEY_CACHE_SECONDS="0")
    equity = Equity(services.environment)
    equity("partners", "add", "Acme").ok()
    for scheme in ("v2", "body"):
        key = equity("keys", "add", "Acme", "--scheme", scheme, "--json").ok().json
        environment = {
            "GATEWAY_URL": services.gateway,
            "HMAC_KEY_ID": key["key_id"],
            "HMAC_SECRET_KEY": key["secret"],
            "HMAC_SCHEME": scheme,
        }
        leads = tmp_path / f"{scheme}.csv"
        rows = (f"{number} Palmetto Ave,Dunedin,FL,34698,{scheme}\n" for number in range(1, 2001))
        leads.write_text("Address,City,State,Zip,Owner 1 Last Name\n" + "".join(rows))
        uploaded = run([*command, str(leads)], environment).ok()
        report = json.loads(uploaded.out)
        assert (report["state"], report["rows_total"]) == ("done", 2000)
        repeated = run([*command, str(leads)], environment)
        assert repeated.code == 3
        assert report["upload_id"] in repeated.err
        forged = run([*command, str(leads)], {**environment, "HMAC_SECRET_KEY": "0" * 64})
        assert forged.code == 3
        assert "bad_signature" in forged.err
        assert key["secret"] not in uploaded.out + uploaded.err + repeated.err + forged.err
    services.stop()


def settings(url: str) -> dict[str, str]:
    return {"GATEWAY_URL": url, "HMAC_KEY_ID": "acme-1", "HMAC_SECRET_KEY": "hunter2", "HMAC_SCHEME": "v2"}


@pytest.mark.parametrize("client", COMMANDS)
def test_what_is_missing_is_said_in_a_sentence(client: str, tmp_path: Path) -> None:
    command = list(map(str, COMMANDS[client]))
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed here")
    leads = tmp_path / "leads.csv"
    leads.write_text("Address,City,State,Zip\n1 A St,Dunedin,FL,34698\n")
    unreachable = settings(f"http://127.0.0.1:{free_port()}")
    cases = [
        (2, [], unreachable),
        (2, [str(tmp_path / "missing.csv")], unreachable),
        (2, [str(tmp_path)], unreachable),
        (2, [str(leads)], unreachable | {"HMAC_KEY_ID": ""}),
        (2, [str(leads)], unreachable | {"HMAC_SCHEME": "v3"}),
        (2, [str(leads)], unreachable | {"GATEWAY_URL": "leads.example.com"}),
        (4, [str(leads)], unreachable),
    ]
    for code, arguments, environment in cases:
        ran = run([*command, *arguments], environment)
        assert (ran.code, ran.out) == (code, ""), ran.err
        problem, advice = ran.err.splitlines()
        assert problem.startswith("Error: ")
        assert advice.startswith("  ")
        assert "hunter2" not in ran.err
