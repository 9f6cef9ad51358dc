"""Signed CSV uploads: receive, verify, store in the spool, and publish the rows to Kafka."""
