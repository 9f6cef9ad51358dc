"""Documents that are generated from the product's sources. `./dev docs` writes them, and tests compare them."""
