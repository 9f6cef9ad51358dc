"""TCP proxy that can stop forwarding with open connections, as if the other host were lost."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass
class Proxy:
    """Proxy that forwards to *target* until it is frozen."""

    target: tuple[str, int]
    port: int = 0
    freeze_after: int | None = None
    """Number of response bytes after which the proxy freezes itself."""
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def frozen(self) -> bool:
        """Whether the proxy has stopped forwarding."""
        return not self._flowing.is_set()

    def freeze(self) -> None:
        """Stop forwarding on all connections, old and new, without closing them."""
        self._flowing.clear()

    async def restore(self) -> None:
        """Close the old connections and forward again on new ones."""
        self.freeze_after = None
        await self.cut()
        self._flowing.set()

    async def cut(self) -> None:
        """Close all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        try:
            await self._flowing.wait()
            onward = await asyncio.open_connection(*self.target, limit=CHUNK)
            self._writers.append(onward[1])
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, onward[1], responses=False))
                group.create_task(self._forward(onward[0], writer, responses=True))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, responses: bool) -> None:
        while True:
            await self._flowing.wait()
            data = await reader.read(CHUNK)
            await self._flowing.wait()
            if not data:
                writer.close()
                return
            if responses and self.freeze_after is not None:
                self.freeze_after -= len(data)
                if self.freeze_after < 0:
                    self.freeze()
                    continue
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def proxied(host: str, port: int) -> AsyncIterator[Proxy]:
    """Run a proxy in front of *host*:*port*, on a free port."""
    proxy = Proxy((host, port))
    proxy._flowing.set()
    listening = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(proxy.serve, sock=listening, limit=CHUNK)
    proxy.port = listening.getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.cut()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)
