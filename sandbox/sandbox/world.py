"""All that one sandbox holds: its people, its vendors with their state, the faults, the ledger."""

from sandbox.deliveries import Deliveries
from sandbox.faults import Faults
from sandbox.ledger import Ledger
from sandbox.people import People
from sandbox.settings import SandboxSettings
from sandbox.vendor import Vendor
from sandbox.vendors.batchdata import BatchData
from sandbox.vendors.batchdata.mcp_server import BatchDataMcp
from sandbox.vendors.instantly import Instantly
from sandbox.vendors.melissa import Melissa


class World:
    """One sandbox."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.people = People(settings.sandbox_seed)
        self.faults = Faults(settings.sandbox_seed)
        self.ledger = Ledger()
        self.deliveries = Deliveries()
        self.melissa = Melissa(settings, self.people, self.ledger)
        self.batchdata = BatchData(settings, self.people, self.ledger, self.deliveries)
        self.batchdata_mcp = BatchDataMcp(self.batchdata, self.faults)
        self.instantly = Instantly(settings, self.ledger, self.faults, self.deliveries)
        self.vendors: dict[str, Vendor] = {
            vendor.name: vendor for vendor in (self.melissa, self.batchdata, self.batchdata_mcp, self.instantly)
        }

    def clear(self) -> None:
        """Begin anew: no faults, no state, nothing counted."""
        self.deliveries.cancel()
        self.faults.clear()
        self.ledger.clear()
        for vendor in self.vendors.values():
            vendor.clear()
