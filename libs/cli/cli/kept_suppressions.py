"""Suppressions that a restore keeps: those of the database that it replaces, where the backup lacks them.

A backup is older than the opt-outs of the last hours. People stated them, so they hold whatever else is taken back
(47 CFR 64.1200(a)(10)). They are kept in the transaction of the restore: there is no moment without them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FUNCTION = " FUNCTION app opt_out("

SAVE_STATEMENT = """
create temporary table kept_suppressions as
select channel, value_hash, hash_key_id, reason, lead_id, at, evidence_hash
from app.suppressions
where lifted_at is null
"""
_ADD_STATEMENT = """
with added as (
  insert into app.suppressions (channel, value_hash, hash_key_id, reason, lead_id, at, evidence_hash)
  select k.channel, k.value_hash, k.hash_key_id, k.reason, l.id, k.at, k.evidence_hash
  from pg_temp.kept_suppressions k
  join app.suppression_reasons r on r.reason = k.reason
  left join app.leads l on l.id = k.lead_id
  where not exists (
    select
    from app.suppressions s
    where s.channel = k.channel and s.value_hash = k.value_hash and s.reason = k.reason and s.lifted_at is null
    and (k.channel = 'email' or k.reason <> 'opt_out' or s.lead_id is not distinct from l.id)
  )
  order by k.at
  on conflict do nothing
  returning 1
)
select
  (select count(*) from added),
  (
    select count(*)
    from pg_temp.kept_suppressions k
    where not exists (select from app.suppression_reasons r where r.reason = k.reason)
  )
"""
_END_CONSENTS_STATEMENT = """
select app.opt_out(k.channel, k.value_hash, k.hash_key_id, k.reason, k.lead_id, k.at, k.evidence_hash)
from pg_temp.kept_suppressions k
where k.channel = 'phone'
and exists (select from app.lead_consent_audit a where a.value_hash = k.value_hash and a.action = 'granted')
"""


@dataclass(frozen=True, slots=True)
class KeptSuppressions:
    """Counts of suppressions that were added to the restored data, and of those that it cannot hold."""

    added: int = 0
    lost: int = 0


def can_hold(entries: Sequence[str]) -> bool:
    """Return whether a backup with these entries is new enough to take suppressions with their effect on consents."""
    return any(_FUNCTION in entry for entry in entries)


def add_commands(counts: Path) -> list[str]:
    """Return the commands of psql that add what SAVE_STATEMENT saved and write both counts into the file *counts*."""
    return [f"\\o '{counts}'", _ADD_STATEMENT, "\\o /dev/null", _END_CONSENTS_STATEMENT]


def read_counts(counts: Path) -> KeptSuppressions:
    """Return the counts that the commands wrote, with psql's options for values alone."""
    added, lost = counts.read_text().strip().split("|")
    return KeptSuppressions(int(added), int(lost))
