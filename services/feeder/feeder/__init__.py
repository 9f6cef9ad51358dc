"""Verified leads into email campaigns, and out of them."""
