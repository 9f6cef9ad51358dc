"""Responses of the gateway that break off."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from cli.client.access import GatewayAccess
from cli.client.signing import SigningKey, SigningScheme
from cli.shell.errors import UnreachableError
from gateway.commands.uploads import _write_rejects


async def test_rejected_rows_that_break_off_leave_no_file(tmp_path: Path) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nAddress,City\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    access = GatewayAccess(f"http://127.0.0.1:{port}", SigningKey("k", b"secret", SigningScheme.V2))
    async with server:
        with pytest.raises(UnreachableError, match="broke"):
            await _write_rejects(access, uuid4(), tmp_path / "rejects.csv")
    assert list(tmp_path.iterdir()) == []
