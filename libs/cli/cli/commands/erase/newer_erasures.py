"""Erasures that are newer than a backup: saved before it is restored, and repeated after it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

from cli.commands.erase.erasure_list import ListedErasure, keep_list, read_erasures, read_list
from cli.shell.database import OPERATOR, connect, owner_dsn_as


@dataclass(frozen=True, slots=True)
class NewerErasures:
    """List of the erasures of a database that a restore replaces, as a file beside the backup."""

    file: Path

    @classmethod
    def save(cls, backup: Path, *, has_table: bool) -> Self:
        """Write the erasures of the database beside *backup*. A list of an earlier restore is completed, not replaced."""
        newer = cls(backup.with_name(f"{backup.name}.erasures.json").absolute())
        if has_table and (erasures := asyncio.run(_read())):
            keep_list(newer.file, erasures)
        return newer

    def list_open(self, *, has_table: bool) -> set[UUID]:
        """Return the erasures of the list that the restored database lacks. Without any, the file is deleted."""
        if not self.file.exists():
            return set()
        known = {one.id for one in asyncio.run(_read())} if has_table else set()
        missing = {one.id for one in read_list(self.file)} - known
        if not missing:
            self.file.unlink()
        return missing


async def _read() -> list[ListedErasure]:
    async with connect(owner_dsn_as(OPERATOR)) as connection:
        return await read_erasures(connection)
