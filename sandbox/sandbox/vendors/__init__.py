"""Vendor servers: one module or package for each vendor, with paths and responses as the vendor documents them."""
