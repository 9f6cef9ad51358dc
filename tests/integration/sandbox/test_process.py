"""The sandbox as a process of its own, without Kafka and PostgreSQL."""

import asyncio
import os
import re
import signal
import sys
import urllib.request

import pytest

COMMANDS = {"module": ["-m", "sandbox"], "equity": ["-m", "cli.main", "run", "sandbox"]}


async def test_its_help_names_the_base_urls() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--help", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert b"/batchdata_mcp/mcp" in output


@pytest.mark.parametrize("command", COMMANDS)
async def test_it_runs_until_it_is_told_to_stop(command: str) -> None:
    environment = {**os.environ, "SANDBOX_PORT": "0", "HEALTH_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *COMMANDS[command], env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        url = None
        while url is None:
            line = await asyncio.wait_for(process.stderr.readline(), 60)
            assert line, "it ended"
            url = re.search(rb'"url": "(http://[^"]+)"', line)
        address = url[1].decode()
        answer = await asyncio.to_thread(lambda: urllib.request.urlopen(f"{address}/_sandbox/faults").read())  # noqa: S310 - our own
        assert answer == b"[]"
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
