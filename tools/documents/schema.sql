-- name: list_relations()
-- Tables, views and row types of our schemas, without partitions.
select
  n.nspname as schema,
  c.relname as name,
  case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'c' then 'row type' else 'table' end as kind,
  coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type')) as meaning,
  array(
    select pg_get_constraintdef(k.oid)
    from pg_constraint k
    where k.conrelid = c.oid
    and k.contype in ('p', 'u', 'f')
    order by array_position(array['p', 'u', 'f'], k.contype::text), pg_get_constraintdef(k.oid)
  ) as keys
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where (n.nspname in ('app', 'pipeline') or n.nspname like 'svc\_%')
and c.relkind in ('r', 'p', 'v', 'm', 'c')
and not c.relispartition
order by n.nspname, c.relname;

-- name: list_columns()
select
  n.nspname as schema,
  c.relname as relation,
  a.attname as name,
  format_type(a.atttypid, a.atttypmod) as type,
  a.attnotnull as is_required,
  case
    when a.attidentity <> '' then 'identity'
    when a.attgenerated <> '' then 'generated: ' || pg_get_expr(d.adbin, d.adrelid)
    else pg_get_expr(d.adbin, d.adrelid)
  end as default_value,
  col_description(c.oid, a.attnum) as meaning
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where (n.nspname in ('app', 'pipeline') or n.nspname like 'svc\_%')
and c.relkind in ('r', 'p', 'v', 'm', 'c')
and not c.relispartition
and a.attnum > 0
and not a.attisdropped
order by n.nspname, c.relname, a.attnum;

-- name: list_functions()
select
  n.nspname as schema,
  p.oid::regprocedure::text as signature,
  p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name,
  pg_get_function_result(p.oid) as result,
  obj_description(p.oid, 'pg_proc') as meaning
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('app', 'pipeline')
and p.prorettype <> 'trigger'::regtype
order by n.nspname, p.proname, p.oid::regprocedure::text;

-- name: list_enumerations()
select
  n.nspname as schema,
  t.typname as name,
  array(select e.enumlabel from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) as labels,
  obj_description(t.oid, 'pg_type') as meaning
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
where n.nspname in ('app', 'pipeline')
and t.typtype = 'e'
order by n.nspname, t.typname;
