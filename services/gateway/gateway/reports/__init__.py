"""Reports of uploads for the partner that sent them."""
