"""Generator of the secrets of the Docker Compose installation.

It generates each secret once, because data encrypted with it must stay readable. Each service has one volume, its
SECRETS_DIR. The volume `admin` is for the command line and the migrations.
"""

import os
import secrets
from pathlib import Path

HOME = Path("/secrets")
SERVICES = ("gateway", "ingest", "recorder", "skiptrace", "feeder", "pull", "consent", "replies")
EQUITY_UID = 10001


def main() -> None:
    """Generate the missing secrets and write the files of every volume."""
    shared = {
        name: get_or_make_secret(name)
        for name in ("encryption_key", "contact_hash_key", "hmac_secret_key", "form_link_secret")
    }
    webhooks = {"instantly_webhook_secrets": get_or_make_secret("instantly_webhook_secrets")}
    direct = dsn("postgres", get_or_make_secret("postgres_password"))
    logins = {name: dsn(f"svc_{name}", get_or_make_secret(f"{name}_password")) for name in SERVICES}
    for name in SERVICES:
        write_secrets(name, {**shared, **(webhooks if name == "gateway" else {}), "database_url": logins[name]})
    environment = "".join(f"export {name.upper()}_DATABASE_URL='{url}'\n" for name, url in logins.items())
    write_secrets("admin", {**shared, **webhooks, "database_direct_url": direct, "logins": environment})


def dsn(user: str, password: str) -> str:
    """Return the connection string of *user*."""
    return f"postgresql://{user}:{password}@postgres:5432/equity"


def get_or_make_secret(name: str) -> str:
    """Return the secret *name*, generated at first use on a volume that only the container of PostgreSQL also mounts."""
    file = HOME / "root" / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32))
    return file.read_text()


def write_secrets(volume: str, values: dict[str, str]) -> None:
    """Write the files of *volume*, readable only by the user of the services."""
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
