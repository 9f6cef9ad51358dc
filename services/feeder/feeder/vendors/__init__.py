"""The vendors that the feeder talks to, one file each."""
