"""Score of a lead: its table, and the facts that it reads."""
