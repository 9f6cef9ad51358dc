set local role equity_owner;
update pipeline.lead_transitions
set roles = array_remove(roles, 'equity_operator')
where to_status = 'do_not_contact';
drop trigger trg_drop_texts_of_erased_leads on app.reply_answers;
drop trigger trg_drop_texts_of_erased_leads on app.replies;
drop function
  app.drop_texts_of_erased_leads, app.erase_person, app.erase_lead, app.erase_texts, app.erase_values, app.lock_for_erasure,
  pipeline.find_erasures;
drop table pipeline.erased_hashes, pipeline.erasures;
alter table app.leads drop constraint leads_erased_check, drop column erased_at;
reset role;
