"""`equity mails`: mails that services send themselves."""
