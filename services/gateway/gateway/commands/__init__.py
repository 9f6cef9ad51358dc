"""Commands of the gateway's data: uploads, partners, and partners' keys."""
