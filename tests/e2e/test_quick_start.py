"""The quick start to the letter: its commands in their order, from nothing to a lead in a campaign."""

import re
import shlex
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from sandbox.settings import SandboxSettings
from support.commandline import Equity, Ran
from support.demo import DEMO_SECONDS, start_demo_services
from support.installation import Installation
from support.vendors import run_sandbox

PAGE = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line[:1] in ".e"
]
STARTS = ("./dev demo", "./dev up")
QUEUED_WITHIN_SECONDS = 120
SETTING = re.compile(r"echo '(\w+)=(.*)' >> \.local/env")
LEADS = "Address,City,State,Zip,Owner 1 First Name,Owner 1 Last Name\n" + "".join(
    f"{100 + 2 * number} Quickstart Ave,Dunedin,FL,34698,Mary,Sample\n" for number in range(40)
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(SandboxSettings(sandbox_port=0, sandbox_melissa_records_per_second=400)) as sandbox:
        yield sandbox


def test_every_block_of_commands_is_known() -> None:
    equity = [line for line in COMMANDS if line.startswith("./dev equity ")]
    assert [line for line in COMMANDS if line not in equity and not SETTING.fullmatch(line)] == list(STARTS)
    assert len(equity) >= 12


@pytest.mark.timeout(
    2 * DEMO_SECONDS
)  # fifteen processes, one after the other, on a machine that is busy with other tests
async def test_the_commands_of_the_page_end_with_a_fed_lead(
    installation: Installation, sandbox: Sandbox, tmp_path: Path
) -> None:
    services = await start_demo_services(installation, sandbox, tmp_path)
    leads = tmp_path / "leads.csv"
    leads.write_text(LEADS + ",,,,,\n,,XX,1,,Nowhere\n")
    environment = {**services.environment, "EQUITY_COMMAND": "./dev equity"}
    upload, ran = "", Ran(0, "", "")
    for line in COMMANDS:
        if setting := SETTING.fullmatch(line):
            environment[setting[1]] = shlex.split(setting[2])[0]
            continue
        if line == "./dev up":
            continue
        words = ["demo"] if line == "./dev demo" else shlex.split(line.removeprefix("./dev equity "))
        words = [
            str(tmp_path / word) if word.endswith(".csv") else upload if re.match(r"[0-9a-f]{8}-", word) else word
            for word in words
        ]
        ran = (await Equity(environment, DEMO_SECONDS).soon(*words)).ok()
        deadline = time.monotonic() + QUEUED_WITHIN_SECONDS
        while words[:2] == ["feed", "preview"] and re.search(r"queued +0\b", ran.out):
            assert time.monotonic() < deadline, ran.out
            ran = (await Equity(environment).soon(*words)).ok()
        if words[0] == "upload" and "--dry-run" not in words:
            found = re.search(r"upload +([0-9a-f-]{36})", ran.out)
            assert found
            upload = found[1]
        if words[:2] == ["feed", "slots"]:
            (day,) = (await Equity(environment).soon(*words, "--json")).ok().json
            assert day["broker"] == "Dana Ruiz"
            assert day["added"] > 0
    assert upload
    assert (tmp_path / "rejects.csv").is_file()
    services.stop()
    assert " ERROR " not in services.log
    assert not re.search(r'"level": ?"(error|critical)"|\[error|\[critical', services.log), services.log[-3000:]
