"""One file a vendor: its contract, nothing of ours."""
