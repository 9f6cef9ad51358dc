"""Encrypt the contact details that came over in clear from a legacy database, batch by batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
import psycopg.sql

BATCH = 500


@dataclass(frozen=True, slots=True)
class Clear:
    """One contact value in clear."""

    lead_id: UUID
    channel: str
    value: str


@dataclass(frozen=True, slots=True)
class Encrypted:
    """The same value as `lead_contacts` holds it, and its lead's data key where that is new."""

    lead_id: UUID
    channel: str
    value_hash: bytes
    hash_key_id: str
    ciphertext: bytes
    new_data_key: bytes | None


Encrypt = Callable[[Sequence[Clear], dict[UUID, bytes]], Sequence[Encrypted]]
"""Given values and the wrapped data keys that their leads have, the encrypted ones. A value that is unusable is left out."""


def encrypt_contacts(dsn: str, encrypt: Encrypt, progress: Callable[[int], None] | None = None) -> int:
    """Encrypt what is left of the legacy contacts; how many values. Each batch commits, so a second run goes on."""
    done = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        while count := _batch(connection, encrypt):
            done += count
            if progress:
                progress(done)
        if connection.execute("select to_regclass('public.leads_legacy')").fetchone() != (None,):
            _clear_legacy_columns(connection)
    return done


def _batch(connection: psycopg.Connection[tuple[object, ...]], encrypt: Encrypt) -> int:
    with connection.transaction():
        rows = connection.execute(
            "select lead_id, channel, value from pipeline.legacy_contacts order by lead_id limit %s for update",
            (BATCH,),
        ).fetchall()
        values = [Clear(*row) for row in rows]  # type: ignore[arg-type]
        keys: dict[UUID, bytes] = dict(
            connection.execute(
                "select id, data_key from app.leads where id = any(%s) and data_key is not null",
                ([value.lead_id for value in values],),
            ).fetchall()  # type: ignore[arg-type]
        )
        for contact in encrypt(values, keys):
            if contact.new_data_key:
                connection.execute(
                    "update app.leads set data_key = %s where id = %s and data_key is null",
                    (contact.new_data_key, contact.lead_id),
                )
            connection.execute(
                """
                insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source)
                values (%s, %s, %s, %s, %s, 'legacy')
                on conflict do nothing
                """,
                (contact.lead_id, contact.channel, contact.value_hash, contact.hash_key_id, contact.ciphertext),
            )
        for value in values:
            connection.execute(
                "delete from pipeline.legacy_contacts where (lead_id, channel, value) = (%s, %s, %s)",
                (value.lead_id, value.channel, value.value),
            )
    return len(values)


def _clear_legacy_columns(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    for (column,) in connection.execute(
        """
        select attname from pg_attribute
        where attrelid = 'public.leads_legacy'::regclass and attname in ('email', 'phone') and not attisdropped
        """
    ).fetchall():
        query = psycopg.sql.SQL("update public.leads_legacy set {0} = null where {0} is not null")
        connection.execute(query.format(psycopg.sql.Identifier(str(column))))


def trust_contacts(dsn: str) -> int:
    """Checklist 5.2, for who insists: call every legacy contact verified; how many leads that were changed."""
    with psycopg.connect(dsn) as connection:
        connection.execute("update app.lead_contacts set verified = true, verified_at = now() where source = 'legacy'")
        return connection.execute(
            """
            update app.leads l
            set phone_verified = exists (select from app.lead_contacts c where c.lead_id = l.id and c.channel = 'phone'),
                email_verified = exists (select from app.lead_contacts c where c.lead_id = l.id and c.channel = 'email')
            where l.source = 'legacy'
            and exists (select from app.lead_contacts c where c.lead_id = l.id)
            """
        ).rowcount
