"""PgBouncer in front of the database of a test, in transaction or session mode."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from local_services import debian
from local_services.processes import launch, wait_ready
from support import servers

_PROGRAM = "/usr/sbin/pgbouncer"


@contextmanager
def pgbouncer(dsn: str, *, mode: str = "transaction", size: int = 2) -> Iterator[str]:
    """Run PgBouncer for the database of *dsn* with *size* server connections. Yield the connection string through it."""
    if not Path(_PROGRAM).exists():
        debian.install(["pgbouncer"])
    url = urlsplit(dsn)
    port = _free_port()
    directory = servers.run_directory() / f"pgbouncer-{port}"
    directory.mkdir()
    directory.chmod(0o755)
    users, config, log = (directory / name for name in ("users.txt", "pgbouncer.ini", "pgbouncer.log"))
    users.write_text(f'"{url.username}" "{url.password}"\n')
    config.write_text(
        "[databases]\n"
        f"* = host={url.hostname} port={url.port}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = plain\nauth_file = {users}\npool_mode = {mode}\ndefault_pool_size = {size}\n"
    )
    command = [_PROGRAM, str(config)]
    process = launch(command, log, cwd=directory, user="postgres" if os.geteuid() == 0 else None)
    through = urlunsplit(url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{port}"))
    try:
        wait_ready(process, lambda: _answers(through), "PgBouncer", log)
        yield through
    finally:
        process.end(signal.SIGTERM)


def _answers(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, prepare_threshold=None, connect_timeout=2) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
