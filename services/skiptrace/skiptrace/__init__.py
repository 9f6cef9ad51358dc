"""Finding and verifying the owners' phones and emails, provider by provider."""
