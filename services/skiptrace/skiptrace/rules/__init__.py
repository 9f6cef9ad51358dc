"""Pure rules of skip tracing: the waterfall, merging by value, codes into flags. No I/O; the time is an argument."""
