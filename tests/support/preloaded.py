"""Imports of the product. The fork server imports this module before it forks the first process."""

from support.processes import preload

preload()
