"""Stand-ins of the vendors: real HTTP servers that follow the vendors' contracts and can be given faults."""
