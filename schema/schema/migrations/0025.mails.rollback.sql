set local role equity_owner;
revoke execute on function pipeline.stamp_of from svc_consent, svc_voice;
drop function app.retry_mail(uuid, boolean);
drop table app.mails;
reset role;
