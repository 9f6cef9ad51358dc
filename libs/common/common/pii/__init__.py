"""Personal data: encryption and hashing, phones and emails, names."""
