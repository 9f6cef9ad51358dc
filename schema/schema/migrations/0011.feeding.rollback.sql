drop function app.refresh_contactable_leads;
drop view app.contactable_leads, pipeline.due_adds;
drop materialized view app.mv_contactable_leads;
drop index app.leads_unqueued_idx;
drop trigger trg_take_suppressed_out on app.suppressions;
drop trigger trg_take_stopped_out on app.leads;
drop trigger trg_take_litigator_out on app.lead_contacts;
drop function app.take_suppressed_out, app.take_stopped_out, app.take_litigator_out, app.is_kept_out;
drop table app.vendor_memberships, app.feed_holds, app.feed_slots, app.campaigns, app.personas;
