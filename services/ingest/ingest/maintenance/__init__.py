"""Maintenance of stored leads: outdated address hashes, parcel keys of the first key format, scores that lost an event."""
