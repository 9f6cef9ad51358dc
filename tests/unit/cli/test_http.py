"""What the command line makes of answers that break off."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from cli.commands.uploads import _write
from cli.errors import UnreachableError
from cli.partner import Access
from cli.signing import Scheme, SigningKey


async def test_rejected_rows_that_break_off_leave_no_file_behind(tmp_path: Path) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nAddress,City\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    access = Access(f"http://127.0.0.1:{port}", SigningKey("k", b"secret", Scheme.V2))
    async with server:
        with pytest.raises(UnreachableError, match="broke"):
            await _write(access, uuid4(), tmp_path / "rejects.csv")
    assert list(tmp_path.iterdir()) == []
