"""Debian packages that are missing are installed, once, where that is allowed."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from local_services.processes import LocalServiceError, say


def cache_directory() -> Path:
    """Where downloads are kept, for all working copies of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(base) / "equity"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Only one process of this user does *what* at a time; the others wait."""
    with (cache_directory() / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(packages: Sequence[str]) -> None:
    """Install Debian *packages*. Raises LocalServiceError naming them where that needs somebody's hand."""
    if _as_root() is None or not shutil.which("apt-get"):
        names = " ".join(packages)
        raise LocalServiceError(f"missing: {names}. Install them, on Debian with:\n    sudo apt-get install {names}")
    with alone("apt"):
        _read_package_lists()
        say(f"installing {', '.join(packages)}")
        _apt_get("install", "-y", "--no-install-recommends", *packages)


def program_of(package: str, path: str) -> Path:
    """The program at *path* of a Debian *package*, which is unpacked, not installed: no daemon starts."""
    directory = cache_directory() / package
    with alone("apt"):
        if not (directory / path).exists():
            _read_package_lists()
            directory.mkdir(exist_ok=True)
            _apt_get("download", package, directory=directory)
            (archive,) = directory.glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", archive, directory], check=True, capture_output=True)
            archive.unlink()
    return directory / path


@cache
def _read_package_lists() -> None:
    say("reading Debian's package lists")
    _apt_get("update")


def _apt_get(*arguments: str, directory: Path | None = None) -> None:
    log_file = cache_directory() / "apt.log"
    command = [*(_as_root() or []), "apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with log_file.open("ab") as log:
        done = subprocess.run(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        raise LocalServiceError(f"apt-get {arguments[0]} failed; see {log_file}")


def _as_root() -> list[str] | None:
    """What to set before a command so that it runs as root; None where that is not allowed."""
    if os.geteuid() == 0:
        return []
    probe = ["sudo", "-n", "true"]
    allowed = shutil.which("sudo") and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    return ["sudo", "-n", "-E"] if allowed else None
