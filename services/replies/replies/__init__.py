"""Replies to emails: read, classified and routed; opt-outs, bounces and other webhooks of Instantly."""
