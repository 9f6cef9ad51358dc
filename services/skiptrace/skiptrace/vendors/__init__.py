"""The providers' contracts, one file each: what they are asked and what they answer, nothing of ours."""
