"""BatchData: skip trace v1 and v3, property search and lookup, phone checks (docs/vendors/batchdata.md)."""

from sandbox.vendors.batchdata.server import BatchDataServer

__all__ = ["BatchDataServer"]
