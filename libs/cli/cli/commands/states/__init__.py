"""`equity states`: the states in which a broker may call."""
