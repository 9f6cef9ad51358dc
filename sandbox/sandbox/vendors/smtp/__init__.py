"""SMTP server of a mail provider (docs/vendors/smtp.md)."""

from sandbox.vendors.smtp.server import SmtpServer

__all__ = ["SmtpServer"]
