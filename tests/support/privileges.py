"""Statements that try every privilege of a login role."""

from collections.abc import Iterable
from typing import Any

import psycopg

FIND_ATTEMPTS = r"""
with relations as (
  select c.oid, c.relkind, n.nspname || '.' || c.relname as name, format('%I.%I', n.nspname, c.relname) as quoted,
    c.relkind in ('r', 'p') or (c.relkind = 'v' and pg_relation_is_updatable(c.oid, true) & 28 = 28) as writable
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where (n.nspname in ('app', 'pipeline', 'public') or n.nspname like 'svc\_%')
  and c.relkind in ('r', 'p', 'v', 'm')
), columns as (
  select r.*, a.attname, format('%I', a.attname) as column_name, format_type(a.atttypid, a.atttypmod) as type,
    a.attgenerated = '' and (r.relkind <> 'v' or pg_column_is_updatable(r.oid, a.attnum, true)) as settable
  from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
)
select name, 'SELECT', attname, format('select %s from %s where false', column_name, quoted) from columns
union all
select name, 'INSERT', attname,
  format('insert into %s (%s) overriding system value select null::%s where false', quoted, column_name, type)
from columns where writable and settable
union all
select name, 'UPDATE', attname, format('update %s set %s = default where false', quoted, column_name)
from columns where writable and settable
union all
select name, 'DELETE', '', format('delete from %s where false', quoted) from relations where writable
union all
select name, 'TRUNCATE', '', format('truncate %s', quoted) from relations where relkind in ('r', 'p')
union all
select p.oid::regprocedure::text, 'EXECUTE', '', format(
  'select %I.%I(%s) from (select 1%s offset 0) given (none%s) limit 0', n.nspname, p.proname,
  array_to_string(array(select 'a' || place from generate_series(1, pronargs) place), ', '),
  array_to_string(array(
    select format(', null::%s', case when t.typtype = 'p' then 'integer' else format_type(t.oid, null) end)
    from unnest(p.proargtypes) with ordinality as argument (type, place) join pg_type t on t.oid = argument.type order by place
  ), ''),
  array_to_string(array(select ', a' || place from generate_series(1, pronargs) place), '')
)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where (n.nspname in ('app', 'pipeline', 'public') or n.nspname like 'svc\_%') and p.prokind = 'f'
"""
"""Returns object, privilege, column and the statement that needs exactly this privilege. No statement touches a row.

Arguments come from a subquery: the planner folds a strict function of constant nulls without a check of privileges.
"""

RUN_ATTEMPTS = """
do $body$
declare
  statement text;
  allowed text[] := '{}';
begin
  foreach statement in array current_setting('attempt.statements')::text[] loop
    begin
      execute statement;
      raise exception using errcode = 'P0999';
    exception
      when insufficient_privilege or generated_always then null;
      when others then allowed := allowed || statement;
    end;
  end loop;
  perform set_config('attempt.allowed', allowed::text, false);
end
$body$
"""
"""Runs each statement and rolls it back. Every error except "insufficient privilege" follows the check of privileges. One
error precedes it: no role can set an identity column through a view.
"""

Attempt = tuple[str, str, str]
"""Object, privilege, and column (or an empty text)."""


def find_attempts(superuser_dsn: str) -> dict[str, Attempt]:
    """Return the statements that try each privilege on each object of our schemas, with their attempt."""
    with psycopg.connect(superuser_dsn, options="-c search_path=pg_catalog") as connection:
        return {
            statement: (name, privilege, column)
            for name, privilege, column, statement in connection.execute(FIND_ATTEMPTS)
        }


def allowed_attempts(connection: "psycopg.Connection[Any]", attempts: dict[str, Attempt]) -> set[Attempt]:
    """Return those of *attempts* that PostgreSQL does not refuse to the role that *connection* acts as."""
    connection.execute("select set_config('attempt.statements', %s::text[]::text, false)", (list(attempts),))
    connection.execute(RUN_ATTEMPTS)
    [statements] = connection.execute("select current_setting('attempt.allowed')::text[]").fetchone() or [[]]
    return {attempts[statement] for statement in statements}


def expand_allow_list(lines: Iterable[str], role: str, attempts: Iterable[Attempt]) -> set[Attempt]:
    """Return the attempts that the allow-list *lines* permit *role*: a privilege on a relation covers its columns."""
    every = list(attempts)
    permitted: set[Attempt] = set()
    for line in lines:
        holder, name, privilege = line.split(" | ")
        if holder != role:
            continue
        kind, _, columns = privilege.partition(" (")
        named = set(columns.removesuffix(")").split(", ")) if columns else None
        permitted |= {try_ for try_ in every if try_[:2] == (name, kind) and (named is None or try_[2] in named)}
    return permitted
