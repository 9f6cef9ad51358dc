"""Completion of the leads of a legacy database, in batches: encryption of contact details, parcel keys."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

import psycopg
import psycopg.sql

ENCRYPTION_BATCH_SIZE = 500
PARCEL_PAGE_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class Clear:
    """Plaintext contact value of a lead."""

    lead_id: UUID
    channel: str
    value: str


@dataclass(frozen=True, slots=True)
class Encrypted:
    """Contact value as `lead_contacts` stores it, with the data key of its lead if the key is new."""

    lead_id: UUID
    channel: str
    value_hash: bytes
    hash_key_id: str
    ciphertext: bytes
    new_data_key: bytes | None


Encrypt = Callable[[Sequence[Clear], dict[UUID, bytes]], Sequence[Encrypted]]
"""Function that encrypts values. It receives the wrapped data keys of their leads and omits unusable values."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Parcel number of a lead as the legacy database wrote it, and where it lies."""

    lead_id: UUID
    apn: str
    county: str
    state: str


@dataclass(frozen=True, slots=True)
class ParcelKey:
    """County of a lead, and its parcel key if the number identifies a home."""

    key: str | None
    fips: str
    county: str


FindParcelKey = Callable[[Parcel], ParcelKey | None]
"""Function that returns county and key of a parcel, or None if the county is not known."""

_LIST_PARCELS = """
select id, apn, coalesce(county, ''), coalesce(property_state, '')
from app.leads
where source = 'legacy' and apn is not null and apn_key is null and id > %s
order by id
limit %s
for no key update
"""

_ASSIGN_KEY = """
with holder as (
  select id from app.leads where apn_key = %(key)s
), refused as (
  insert into app.lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
  select 'key_held', %(lead_id)s, id, 'apn_key', %(key)s from holder
  on conflict do nothing
)
update app.leads
set fips = %(fips)s, county = %(county)s, apn_key = case when not exists (select from holder) then %(key)s end
where id = %(lead_id)s
returning apn_key is not null
"""
"""A key belongs to one lead. Another lead with it is one home with this one, and a person decides about the conflict."""


def assign_parcel_keys(dsn: str, find_key: FindParcelKey) -> int:
    """Assign county and parcel key to the legacy leads that have no key. Return how many got one. May be run again."""
    assigned, after = 0, UUID(int=0)
    with psycopg.connect(dsn, autocommit=True) as connection:
        while True:
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(hashtext('app.upsert_leads'))")
                rows = connection.execute(_LIST_PARCELS, (after, PARCEL_PAGE_SIZE)).fetchall()
                for row in rows:
                    found = find_key(Parcel(*row))
                    if found:
                        result = connection.execute(_ASSIGN_KEY, {"lead_id": row[0], **asdict(found)}).fetchone()
                        assigned += result == (True,)
            if not rows:
                return assigned
            after = rows[-1][0]


def encrypt_contacts(dsn: str, encrypt: Encrypt, progress: Callable[[int], None] | None = None) -> int:
    """Encrypt the remaining legacy contacts and return their number. Each batch commits, so a second run continues."""
    done = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        while count := _encrypt_batch(connection, encrypt):
            done += count
            if progress:
                progress(done)
        if connection.execute("select to_regclass('public.leads_legacy')").fetchone() != (None,):
            _clear_legacy_columns(connection)
    return done


def _encrypt_batch(connection: psycopg.Connection[tuple[object, ...]], encrypt: Encrypt) -> int:
    with connection.transaction():
        rows = connection.execute(
            "select lead_id, channel, value from pipeline.legacy_contacts order by lead_id limit %s for update",
            (ENCRYPTION_BATCH_SIZE,),
        ).fetchall()
        values = [Clear(*row) for row in rows]  # type: ignore[arg-type]
        locked = connection.execute(
            "select id, data_key from app.leads where id = any(%s) order by id for no key update",
            ([value.lead_id for value in values],),
        ).fetchall()
        keys: dict[UUID, bytes] = {lead_id: key for lead_id, key in locked if key is not None}  # type: ignore[misc]
        for contact in encrypt(values, keys):
            if contact.new_data_key:
                connection.execute(
                    "update app.leads set data_key = %s where id = %s",
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
    """Mark every legacy contact as verified, without a check, and return the number of changed leads."""
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
