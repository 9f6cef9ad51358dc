"""Makes the secrets of the Docker Compose installation, once: what they sealed must stay readable.

One volume a service, mounted there as its SECRETS_DIR; `admin` is for the command line and the migrations.
"""

import os
import secrets
from pathlib import Path

HOME = Path("/secrets")
SERVICES = ("gateway", "ingest", "recorder", "skiptrace", "feeder", "pull")
EQUITY_UID = 10001


def main() -> None:
    """Write every secret that is not there yet."""
    shared = {
        name: kept(name) for name in ("encryption_key", "contact_hash_key", "hmac_secret_key", "form_link_secret")
    }
    direct = dsn("postgres", kept("postgres_password"))
    logins = {name: dsn(f"svc_{name}", kept(f"{name}_password")) for name in SERVICES}
    for name in SERVICES:
        write(name, {**shared, "database_url": logins[name]})
    environment = "".join(f"export {name.upper()}_DATABASE_URL='{url}'\n" for name, url in logins.items())
    write("admin", {**shared, "database_direct_url": direct, "logins": environment})


def dsn(user: str, password: str) -> str:
    """The connection string of *user*."""
    return f"postgresql://{user}:{password}@postgres:5432/equity"


def kept(name: str) -> str:
    """The secret *name*, made at first use, on a volume that only PostgreSQL's container sees as well."""
    file = HOME / "root" / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32))
    return file.read_text()


def write(volume: str, values: dict[str, str]) -> None:
    """The files of *volume*, for the user the services run as and nobody else."""
    directory = HOME / volume
    directory.chmod(0o700)
    os.chown(directory, EQUITY_UID, EQUITY_UID)
    for name, value in values.items():
        file = directory / name
        file.touch(mode=0o600)
        file.write_text(value)
        os.chown(file, EQUITY_UID, EQUITY_UID)


if __name__ == "__main__":
    main()
