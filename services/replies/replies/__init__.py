"""Reading of replies to campaign emails. The service around it is not built yet."""
