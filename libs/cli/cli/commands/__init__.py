"""The commands of `equity`, one module each; `cli.main` imports the one that was asked for."""
