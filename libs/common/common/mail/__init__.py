"""Mailer: mails that a service sends itself over SMTP (docs/mails.md).

`queue_mail` writes a row in the caller's transaction. `MailSender`, a part of the same service, asks the gate and sends it.
"""
