"""Native PostgreSQL from the packages of the distribution, with its data in a separate directory."""

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from local_services.debian import exclusive_lock, install
from local_services.processes import LocalServiceError, Process, launch, saved_port, wait_ready

OLDEST_SUPPORTED_VERSION = 15
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "log_parameter_max_length": "0",  # otherwise the slow-query log contains personal data
}
UNSAFE = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "1GB"}


@dataclass
class PostgresServer:
    """Server with its data in *directory*. It outlives this process; `find` returns a running one."""

    directory: Path
    port: int
    fsync: bool = True
    """False is faster, and loses data if the machine (not only the server) crashes."""
    _process: Process | None = field(default=None, repr=False)

    @classmethod
    def find(cls, directory: Path) -> "PostgresServer | None":
        """Return the running server of *directory*, or None."""
        directory = _home(directory)
        process = Process.load(directory / "process.json")
        return cls(directory, int((directory / "port").read_text()), _process=process) if process else None

    @property
    def dsn(self) -> str:
        """Connection string of the superuser."""
        return self.dsn_of("postgres", self._password, "postgres")

    @property
    def _password(self) -> str:
        return (self.directory / "password").read_text().strip()

    def dsn_of(self, user: str, password: str, database: str) -> str:
        """Return the connection string of *user* for *database*."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """Process id of the postmaster. Raises LocalServiceError if it does not run."""
        if self._process is None or not self._process.alive:
            raise LocalServiceError(f"PostgreSQL in {self.directory} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start the server, always on the same port with the same data, and wait until it accepts connections."""
        programs, user = _programs(), _user()
        data, log_file = self.directory / "data", self.directory / "postgres.log"
        if not (data / "PG_VERSION").exists():
            self._initialise(programs, user)
        options = OPTIONS | {"port": str(self.port)} | ({} if self.fsync else UNSAFE)
        command = [str(programs / "postgres"), "-D", str(data)]
        command += [f"--{name}={value}" for name, value in options.items()]
        self._process = launch(command, log_file, cwd=self.directory, user=user)
        self._process.save(self.directory / "process.json")
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        wait_ready(self._process, lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL", log_file)

    def _initialise(self, programs: Path, user: str | None) -> None:
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        data = self.directory / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        if user:
            shutil.chown(password, user)
            shutil.chown(data, user)
        command = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "scram-sha-256"]
        command += ["-E", "UTF8", "--locale=C.UTF-8", f"--pwfile={password}", "--no-sync"]
        done = subprocess.run(
            command, user=user, group=user, extra_groups=[] if user else None, cwd=self.directory,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise LocalServiceError(f"initdb failed:\n{done.stderr}")

    def create_database(self, name: str) -> str:
        """Create the database *name* unless it exists, and return the connection string of the superuser."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        psql = [str(_programs() / "psql"), "-X", "-A", "-t", *address, "-c"]
        environment = {**os.environ, "PGPASSWORD": self._password}
        listed = subprocess.check_output([*psql, "select datname from pg_database"], env=environment, text=True)
        if name not in listed.split():
            subprocess.check_output([*psql, f"create database {name}"], env=environment)
        return self.dsn.removesuffix("postgres") + name

    def stop(self) -> None:
        """Stop the server in order, closing its connections, or kill it after 30 seconds."""
        if self._process and not self._process.end(signal.SIGINT):
            self.kill()

    def kill(self) -> None:
        """Kill all processes of the server with -9, as in a crash of the machine."""
        if self._process:
            processes = [self._process, *self._process.children]
            for process in processes:
                process.end(signal.SIGKILL)
            # The next postmaster takes a dead process without a waiting parent for a running one.
            (self.directory / "data" / "postmaster.pid").unlink(missing_ok=True)


def start_postgres(directory: Path, port: int | None = None, *, fsync: bool = True) -> PostgresServer:
    """Start a server with its data in *directory* on 127.0.0.1, on a free port unless *port* is given.

    A directory used before keeps its port, data and password. As root the server runs as `postgres`. If that user
    cannot reach *directory*, the server uses a folder of `/var/lib/equity`. Raises LocalServiceError if it cannot be
    installed or started.
    """
    directory = _home(directory)
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    server = PostgresServer(directory, saved_port(directory / "port", port), fsync)
    server.start()
    return server


def _home(directory: Path) -> Path:
    """Return *directory*, or its substitute if only root can enter one of its parents."""
    directory = directory.resolve()
    if os.geteuid() != 0 or all(path.stat().st_mode & 0o001 for path in directory.parents if path.exists()):
        return directory
    return Path("/var/lib/equity") / hashlib.sha256(str(directory).encode()).hexdigest()[:16]


def _user() -> str | None:
    """Return the user of the server, because PostgreSQL refuses to run as root; None means the current user."""
    return "postgres" if os.geteuid() == 0 else None


def _programs() -> Path:
    with exclusive_lock("postgres"):
        if _installed() is None or (_user() and not _user_exists("postgres")):
            install(["postgresql"])
    found = _installed()
    if found is None:
        raise LocalServiceError(f"PostgreSQL {OLDEST_SUPPORTED_VERSION} or later is needed and was not found")
    return found


def _installed() -> Path | None:
    """Return the programs of the newest installed server. Debian has a separate folder per version."""
    found = (path.parent for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb"))
    versions = {int(path.parent.name): path for path in found}
    newest = max(versions, default=0)
    if newest >= OLDEST_SUPPORTED_VERSION:
        return versions[newest]
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _user_exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
