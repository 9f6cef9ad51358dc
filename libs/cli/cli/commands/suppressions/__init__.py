"""`equity suppressions`: addresses and numbers that must not be contacted."""
