"""Feeder service: puts verified leads into email campaigns and takes them out again."""
