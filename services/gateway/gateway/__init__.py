"""Gateway service: signed CSV uploads and vendor webhooks over HTTP."""
