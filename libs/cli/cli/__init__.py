"""The command line `equity`: its shell, its own commands, the client of the gateway, and the demo."""
