"""`equity status`: how things are now, on one screen."""
