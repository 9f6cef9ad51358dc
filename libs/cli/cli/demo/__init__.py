"""`equity demo`: the sample from its upload to an email campaign at the sandbox."""
