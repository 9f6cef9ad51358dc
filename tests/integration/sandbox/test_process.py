"""The sandbox in a separate process, without Kafka and PostgreSQL."""

import asyncio
import os
import re
import signal
import sys
import urllib.request
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.app import build
from support.vendors import SETTINGS, SandboxClient, create_melissa_record

COMMANDS = {"module": ["-m", "sandbox"], "equity": ["-m", "cli.main", "run", "sandbox"]}


async def test_the_help_lists_the_base_urls() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--help", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert b"/batchdata_mcp/mcp" in output


@pytest.mark.parametrize("command", COMMANDS)
async def test_it_runs_until_sigterm(command: str) -> None:
    environment = {**os.environ, "SANDBOX_PORT": "0", "HEALTH_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *COMMANDS[command], env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        url = None
        while url is None:
            line = await asyncio.wait_for(process.stderr.readline(), 60)
            assert line, "the process ended"
            url = re.search(rb'"url": "(http://[^"]+)"', line)
        address = url[1].decode()
        answer = await asyncio.to_thread(lambda: urllib.request.urlopen(f"{address}/_sandbox/faults").read())  # noqa: S310 - the URL of our own process
        assert answer == b"[]"
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0


async def test_a_state_file_keeps_members_and_paid_records_over_a_restart(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"sandbox_state_file": tmp_path / "state.json"})
    shown: list[Any] = []
    for _ in range(2):
        sandbox = build(settings)
        await sandbox.start()
        client = SandboxClient(sandbox.url, session)
        if not shown:
            await client.verify_records(create_melissa_record(1))
            await client.add_leads(await client.create_campaign(), "a@example.com")
        shown.append(
            (await client.call_control_api("GET", "instantly"), await client.call_control_api("GET", "paid/melissa"))
        )
        await sandbox.stop()
    assert shown[0] == shown[1]
    assert shown[0][0]["campaigns"][0]["members"] == ["a@example.com"]
    assert shown[0][1]["records"] == 1
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0

    (tmp_path / "state.json").write_text("{")
    with pytest.raises(ValueError, match="delete it"):
        await build(settings).start()
