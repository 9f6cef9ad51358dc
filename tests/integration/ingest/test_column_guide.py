"""The guide for adding a column, followed to the letter in a copy of the repository, while the former version runs."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from support import servers
from support.installation import Installation
from support.processes import EQUITY

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/guides/adding-a-column.md").read_text().split("## A new fact")[1]
COMMANDS = {"./dev schema": ["-m", "fact_migrations"], "./dev docs": ["-m", "documents", "write"]}
"""The commands of the guide, without the installation of packages that `./dev` begins with."""
HOME = {
    "mak": "8034512097",
    "property_address": "1 Elm St",
    "property_city": "Tampa",
    "property_state": "FL",
    "property_zip": "33601",
}
CELLS = {"MAK": "8034512097", "Address": "1 Elm St", "City": "Tampa", "State": "FL", "Zip": "33601"}


class ChangedTree:
    """Copy of the repository in which the steps of the guide are followed."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        packages = [*root.glob("libs/*"), *root.glob("services/*")]
        packages += [root / name for name in ("schema", "sandbox", "tools", "tests", "deploy/local")]
        self.python_path = os.pathsep.join(map(str, packages))
        self._environment = os.environ | environment | {"PYTHONPATH": self.python_path}

    def add_line_of_guide(self) -> None:
        """Add the line that the guide shows to the table of lead facts."""
        [line] = re.findall(r"^ *```python\n *(.*)\n *```$", GUIDE, re.MULTILINE)
        table = self.root / "libs/common/common/lead_facts.py"
        before = '    LeadFact("bathrooms",'
        text = table.read_text()
        assert text.count(before) == 1
        table.write_text(text.replace(before, f"    {line},\n{before}"))

    def run(self, *arguments: str) -> str:
        """Run Python with *arguments* in this tree, and return its output."""
        command = [sys.executable, *arguments]
        ran = subprocess.run(command, cwd=self.root, env=self._environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture
def tree(tmp_path: Path, installation: Installation) -> ChangedTree:
    ignored = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=ignored, symlinks=True)
    return ChangedTree(tmp_path / "copy", installation.environment() | {"EQUITY_TEST_POSTGRES": servers.postgres()})


class Leads:
    """The one lead of the test: records about it are sent, and its columns are read."""

    def __init__(self, connection: asyncpg.Connection, producer: AIOKafkaProducer, topic: str) -> None:
        self._connection = connection
        self._producer = producer
        self._topic = topic

    async def send_record(self, **record: object) -> None:
        await self._producer.send_and_wait(self._topic, json.dumps(record).encode())

    async def wait_for(self, columns: str, expected: tuple[object, ...], seconds: float = 60) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while (row := await self._connection.fetchrow(f"select {columns} from app.leads")) is None or tuple(
            row
        ) != expected:
            assert asyncio.get_running_loop().time() < deadline, f"{row} instead of {expected}"
            await asyncio.sleep(0.1)

    async def has_column(self, name: str) -> bool:
        query = "select exists (select from pg_attribute where attrelid = 'app.leads'::regclass and attname = $1)"
        return bool(await self._connection.fetchval(query, name))


@pytest.fixture
async def leads(installation: Installation) -> Any:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    producer = AIOKafkaProducer(bootstrap_servers=installation.kafka)
    await producer.start()
    yield Leads(connection, producer, f"{installation.prefix}ingest.leads")
    await producer.stop()
    await connection.close()


async def test_one_line_and_one_generated_migration_add_a_column(
    installation: Installation,
    running: Callable[..., AbstractAsyncContextManager[Any]],
    leads: Leads,
    tree: ChangedTree,
) -> None:
    async with running("ingest"):
        await leads.send_record(**HOME, observed_on="2026-01-01", est_value=100)
        await leads.wait_for("est_value", (100,))

        tree.add_line_of_guide()
        commands = re.findall(r"^ *```\n *(\./dev .*)\n *```$", GUIDE.split("## Check")[0], re.MULTILINE)
        outputs = {command: await asyncio.to_thread(tree.run, *COMMANDS[command]) for command in commands}
        assert "lead-facts-stories.sql" in outputs["./dev schema"]
        assert "Nothing changed" in await asyncio.to_thread(tree.run, *COMMANDS["./dev schema"])
        assert "stories" in (tree.root / "docs/asyncapi.yaml").read_text()
        assert "`stories` | smallint" in (tree.root / "docs/schema.md").read_text()
        await asyncio.to_thread(tree.run, "-c", EQUITY, "db", "migrate")

        # The former version runs on, although its connections have read the row type before the migration.
        await leads.send_record(**HOME, observed_on="2026-01-02", est_value=200)
        await leads.wait_for("est_value, stories", (200, None))

    installation.imports_itself = True
    changed = await installation.spawn("ingest", PYTHONPATH=tree.python_path)
    await leads.send_record(cells=CELLS | {"Number of Stories": "2"}, observed_on="2026-01-03")
    await leads.wait_for("stories, est_value", (2, 200))
    await leads.send_record(**HOME, observed_on="2026-01-01", stories=3, est_equity=50)
    await leads.wait_for("stories, est_equity", (2, 50))
    await leads.send_record(**HOME, observed_on="2026-01-04", stories="1")
    await leads.wait_for("stories, est_equity", (1, 50))
    changed.stop()

    async with running("ingest"):
        await leads.send_record(**HOME, observed_on="2026-01-05", est_value=300)
        await leads.wait_for("est_value, stories", (300, 1))
        await asyncio.to_thread(tree.run, "-c", EQUITY, "db", "rollback", "--yes")
        assert not await leads.has_column("stories")
        await leads.send_record(**HOME, observed_on="2026-01-06", est_value=400)
        await leads.wait_for("est_value", (400,))


def test_the_commands_of_the_guide_are_commands_of_the_project() -> None:
    script = (ROOT / "dev").read_text()
    for command, arguments in COMMANDS.items():
        assert command in script
        assert " ".join(arguments[:2]) in script
