"""PostgreSQL from the distribution's packages, with its data in a directory of our own."""

import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from local_services.debian import alone, install
from local_services.processes import LocalServiceError, Process, launch, saved_port, wait_ready

OLDEST = 15
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "log_parameter_max_length": "0",  # else the slow-query log holds personal data
}
UNSAFE = {"fsync": "off", "full_page_writes": "off"}


@dataclass
class PostgresServer:
    """A server with its data in *directory*. It outlives this process; `find` meets it again."""

    directory: Path
    port: int
    fsync: bool = True
    """False is faster, and loses the data when the machine (not only the server) goes down."""
    _process: Process | None = field(default=None, repr=False)

    @classmethod
    def find(cls, directory: Path) -> "PostgresServer | None":
        """The server that runs on *directory*, if one does."""
        directory = _home(directory)
        process = Process.load(directory / "process.json")
        return cls(directory, int((directory / "port").read_text()), _process=process) if process else None

    @property
    def dsn(self) -> str:
        """The superuser's connection string."""
        return self.dsn_of("postgres", self._password, "postgres")

    @property
    def _password(self) -> str:
        return (self.directory / "password").read_text().strip()

    def dsn_of(self, user: str, password: str, database: str) -> str:
        """The connection string of *user* for *database*."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The process id of the postmaster. Raises LocalServiceError when it does not run."""
        if self._process is None or not self._process.alive:
            raise LocalServiceError(f"PostgreSQL in {self.directory} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it, or start it again on the same port with the same data; returns when it accepts connections."""
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
        """Create the database *name* unless it is there; its superuser's connection string."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        psql = [str(_programs() / "psql"), "-X", "-A", "-t", *address, "-c"]
        environment = {**os.environ, "PGPASSWORD": self._password}
        listed = subprocess.check_output([*psql, "select datname from pg_database"], env=environment, text=True)
        if name not in listed.split():
            subprocess.check_output([*psql, f"create database {name}"], env=environment)
        return self.dsn.removesuffix("postgres") + name

    def stop(self) -> None:
        """End it in order, cutting its connections; by force when it does not within 30 s."""
        if self._process and not self._process.end(signal.SIGINT):
            self.kill()

    def kill(self) -> None:
        """Kill it and all its processes with -9, as a crash of the machine would."""
        if self._process:
            everyone = [self._process, *self._process.children]
            for process in everyone:
                process.end(signal.SIGKILL)
            # A dead process that nobody has waited for yet still counts as running to the next postmaster.
            (self.directory / "data" / "postmaster.pid").unlink(missing_ok=True)


def start_postgres(directory: Path, port: int | None = None, *, fsync: bool = True) -> PostgresServer:
    """Start a server with its data in *directory* on 127.0.0.1, on a free port unless *port* is given.

    A directory used before keeps its port, data and password. As root the server runs as `postgres`; where that user
    cannot reach *directory* a folder of `/var/lib/equity` is taken. Raises LocalServiceError when it cannot be
    installed or started.
    """
    directory = _home(directory)
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    server = PostgresServer(directory, saved_port(directory / "port", port), fsync)
    server.start()
    return server


def _home(directory: Path) -> Path:
    """*directory*, or its substitute where it lies inside a folder that only root may enter."""
    directory = directory.resolve()
    if os.geteuid() != 0 or all(path.stat().st_mode & 0o001 for path in directory.parents if path.exists()):
        return directory
    return Path("/var/lib/equity") / hashlib.sha256(str(directory).encode()).hexdigest()[:16]


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


def _programs() -> Path:
    with alone("postgres"):
        if _installed() is None or (_user() and not _exists("postgres")):
            install(["postgresql"])
    found = _installed()
    if found is None:
        raise LocalServiceError(f"PostgreSQL {OLDEST} or later is needed and was not found")
    return found


def _installed() -> Path | None:
    """The newest installed server's programs; Debian keeps each version in a folder of its own."""
    found = (path.parent for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb"))
    versions = {int(path.parent.name): path for path in found}
    newest = max(versions, default=0)
    if newest >= OLDEST:
        return versions[newest]
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
