"""The vendors that property records are pulled from, one file each."""
