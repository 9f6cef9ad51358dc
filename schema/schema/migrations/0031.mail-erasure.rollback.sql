drop trigger trg_erase_mails on app.leads;
drop function app.erase_mails;
