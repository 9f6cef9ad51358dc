"""The vendors' stand-ins: real HTTP servers that speak the vendors' contracts and can misbehave."""
