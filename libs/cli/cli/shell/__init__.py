"""Everything that a command needs: apps, options, output, errors, and connections to the database.

The commands of every package import from here. docs/adding-a-command.md shows how.
"""
