-- Statements of the reports. The gateway logs in as `svc_gateway`.

-- name: upload_report^
select
  id, state::text as state, filename, size, broker_id, rows_total, rows_published, received_at, published_at, done_at, problem,
  columns
from app.uploads
where id = :id
and partner_id = :partner_id;

-- name: upload_totals^
select
  coalesce(sum(inserted), 0)::bigint as inserted,
  coalesce(sum(updated), 0)::bigint as updated,
  coalesce(sum(duplicate), 0)::bigint as duplicate,
  coalesce(sum(rejected), 0)::bigint as rejected
from app.upload_tallies
where upload_id = :id;

-- name: reject_reasons
select reason.key as reason, sum(reason.value::bigint)::bigint as rows
from app.upload_tallies tally
cross join jsonb_each_text(tally.reasons) reason
where tally.upload_id = :id
group by reason.key
order by rows desc, reason;

-- name: unread_values
select
  field.key as field,
  sum((field.value ->> 'values')::bigint)::bigint as values,
  (
    select array_agg(distinct first.row order by first.row)
    from app.upload_tallies other
    cross join jsonb_array_elements_text(other.unread -> field.key -> 'rows') as listed (text)
    cross join lateral (select listed.text::integer as row) first
    where other.upload_id = :id
  ) as rows
from app.upload_tallies tally
cross join jsonb_each(tally.unread) field
where tally.upload_id = :id
group by field.key
order by values desc, field.key;

-- name: upload_columns^
select columns
from app.uploads
where id = :id
and partner_id = :partner_id;

-- name: rejects_page
select row, reasons, detail, row_sealed
from app.upload_rejects
where upload_id = :id
and row > :after
order by row
limit :page_size;
