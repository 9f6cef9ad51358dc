"""Installation of missing Debian packages, if the user may install them."""

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
    """Return the directory of downloads, shared by all working copies of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(base) / "equity"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def exclusive_lock(name: str) -> Iterator[None]:
    """Hold the lock *name*, for which other processes of this user wait."""
    with (cache_directory() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(packages: Sequence[str]) -> None:
    """Install Debian *packages*. Raises LocalServiceError with their names if the user must install them."""
    if _root_prefix() is None or not shutil.which("apt-get"):
        names = " ".join(packages)
        raise LocalServiceError(f"missing: {names}. Install them, on Debian with:\n    sudo apt-get install {names}")
    with exclusive_lock("apt"):
        _read_package_lists()
        say(f"installing {', '.join(packages)}")
        _apt_get("install", "-y", "--no-install-recommends", *packages)


def program_of(package: str, path: str) -> Path:
    """Unpack a Debian *package* without installing it, so that no daemon starts, and return its program at *path*."""
    directory = cache_directory() / package
    with exclusive_lock("apt"):
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
    command = [*(_root_prefix() or []), "apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with log_file.open("ab") as log:
        done = subprocess.run(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        raise LocalServiceError(f"apt-get {arguments[0]} failed; see {log_file}")


def _root_prefix() -> list[str] | None:
    """Return the command prefix that runs a command as root; None if the user may not do that."""
    if os.geteuid() == 0:
        return []
    probe = ["sudo", "-n", "true"]
    allowed = shutil.which("sudo") and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    return ["sudo", "-n", "-E"] if allowed else None
