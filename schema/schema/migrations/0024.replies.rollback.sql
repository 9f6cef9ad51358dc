-- Suppressions of addresses that bounced are deleted, because the former version has no word for them.
drop function app.open_replies;
revoke select (id, name) on app.personas from svc_replies;
drop table app.instantly_events, app.reply_answers, app.reply_classifications, app.replies;
delete from app.suppressions where reason = 'bounced';
delete from app.suppression_reasons where reason = 'bounced';
