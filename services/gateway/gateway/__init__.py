"""The way in: signed CSV uploads and vendor webhooks over HTTP."""
