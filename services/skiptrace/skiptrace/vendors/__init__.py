"""Adapters of the providers, one file each: they build the provider's request and read its response, and know nothing else."""
