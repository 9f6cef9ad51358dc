"""BatchData: skip trace v1 and v3, property search and lookup, phone checks (contracts §5)."""

from sandbox.vendors.batchdata.api import BatchData

__all__ = ["BatchData"]
