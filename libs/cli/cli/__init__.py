"""`equity`, the command line of Equity Connect."""
