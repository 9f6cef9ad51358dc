-- Statements of the reports. The gateway logs in as `svc_gateway`.

-- name: find_upload^
-- row: UploadRow
-- not null: columns[]
select
  id, state, filename, size, broker_id, rows_total, rows_published, rows_skipped, received_at, published_at, done_at, problem,
  columns, mapping::text as mapping
from app.uploads
where id = :upload_id
and partner_id = :partner_id;

-- name: sum_tallies^
-- row: UploadTotals
-- always one row
-- not null: inserted, updated, duplicate, rejected
select
  coalesce(sum(inserted), 0)::bigint as inserted,
  coalesce(sum(updated), 0)::bigint as updated,
  coalesce(sum(duplicate), 0)::bigint as duplicate,
  coalesce(sum(rejected), 0)::bigint as rejected
from app.upload_tallies
where upload_id = :upload_id;

-- name: count_reject_reasons
-- row: RejectReason
-- not null: reason, rows
select reason.key as reason, sum(reason.value::bigint)::bigint as rows
from app.upload_tallies tally
cross join jsonb_each_text(tally.reasons) reason
where tally.upload_id = :upload_id
group by reason.key
order by rows desc, reason;

-- name: list_unread_fields
-- row: UnreadFieldRow
-- not null: field, values, rows[]
select
  field.key as field,
  sum((field.value ->> 'values')::bigint)::bigint as values,
  (
    select array_agg(distinct first.row order by first.row)
    from app.upload_tallies other
    cross join jsonb_array_elements_text(other.unread -> field.key -> 'rows') as listed (text)
    cross join lateral (select listed.text::integer as row) first
    where other.upload_id = :upload_id
  ) as rows
from app.upload_tallies tally
cross join jsonb_each(tally.unread) field
where tally.upload_id = :upload_id
group by field.key
order by values desc, field.key;

-- name: read_rejects
-- row: StoredReject
-- not null: reasons[]
select row, reasons, detail, row_encrypted
from app.upload_rejects
where upload_id = :upload_id
and row > :after
order by row
limit :page_size;
