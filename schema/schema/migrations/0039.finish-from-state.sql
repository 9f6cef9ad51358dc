-- Recovery from state when the event that triggers the work was lost (docs/adr/0032).
set local role equity_owner;

alter table app.uploads
  add column resends integer not null default 0,
  add column resent_at timestamptz;
comment on column app.uploads.resends is 'how often all rows were published again since they last made progress';
comment on column app.uploads.resent_at is 'when publishing all rows again was last asked for';

-- Verified leads that wait to be queued. They are few at any time, whatever the size of the table.
create index leads_unqueued_idx on app.leads (id)
  where campaign_status = 'new' and (email_verified or phone_verified) and not deceased_owner and not litigator;

-- Leads whose score does not yet include a verified contact. They are few at any time, too.
create index leads_unscored_idx on app.leads (id)
  where email_verified and not coalesce(score_contributions ? 'verified_email', false)
  or phone_verified and not coalesce(score_contributions ? 'verified_phone', false);
reset role;
