"""Privileges of every login role on our schemas: those that PostgreSQL grants, and those that the migrations give.

`privileges.txt` is the reviewed list. `./dev docs` writes it from a newly migrated database.
"""

from pathlib import Path

import psycopg

PRIVILEGES_FILE = Path(__file__).with_name("privileges.txt")

_LIST_PRIVILEGES = r"""
with roles as (
  select oid, rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role', 'equity_operator') or rolname like 'svc\_%'
), relations as (
  select c.oid, n.nspname || '.' || c.relname as name, c.relkind
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where (n.nspname in ('app', 'pipeline') or n.nspname like 'svc\_%')
  and c.relkind in ('r', 'p', 'v', 'm', 'S') and c.relname !~ '_[0-9]{6,8}$'
), whole as (
  select r.rolname, l.name, p.privilege
  from roles r, relations l, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) as p (privilege)
  where l.relkind <> 'S' and has_table_privilege(r.oid, l.oid, p.privilege)
), columns as (
  select r.rolname, l.name, p.privilege || ' (' || string_agg(a.attname, ', ' order by a.attname collate "C") || ')' as privilege
  from roles r, relations l, unnest(array['SELECT', 'INSERT', 'UPDATE']) as p (privilege), pg_attribute a
  where l.relkind <> 'S' and a.attrelid = l.oid and a.attnum > 0 and not a.attisdropped
  and has_column_privilege(r.oid, l.oid, a.attnum, p.privilege)
  and not has_table_privilege(r.oid, l.oid, p.privilege)
  group by r.rolname, l.name, p.privilege
), sequences as (
  select r.rolname, l.name, 'USAGE' as privilege from roles r, relations l
  where l.relkind = 'S' and has_sequence_privilege(r.oid, l.oid, 'USAGE, SELECT, UPDATE')
), functions as (
  select r.rolname, f.oid::regprocedure::text as name, 'EXECUTE' as privilege
  from roles r, pg_proc f join pg_namespace n on n.oid = f.pronamespace
  where (n.nspname in ('app', 'pipeline') or n.nspname like 'svc\_%') and has_function_privilege(r.oid, f.oid, 'EXECUTE')
)
select concat_ws(' | ', rolname, name, privilege)
from (select * from whole union all select * from columns union all select * from sequences union all select * from functions) found
"""


def list_privileges(dsn: str) -> list[str]:
    """Return every privilege in our schemas as lines `role | object | privilege`, sorted."""
    with psycopg.connect(dsn, options="-c search_path=pg_catalog") as connection:
        return sorted(line for (line,) in connection.execute(_LIST_PRIVILEGES))


def read_expected_privileges() -> list[str]:
    """Return the privileges that a migrated database has, as lines `role | object | privilege`, sorted."""
    return PRIVILEGES_FILE.read_text().splitlines()
