"""Client of the gateway: signatures, uploads and their reports."""
