"""All that one sandbox holds: its people, its vendors with their state, the faults, the ledger."""

from pathlib import Path

import orjson

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

    def save(self, file: Path) -> None:
        """Keep in *file*, for this user's eyes, what Instantly holds and what was paid."""
        unfinished = file.with_name(f"{file.name}.unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(orjson.dumps({"instantly": self.instantly.workspace.dump(), "paid": self.ledger.dump()}))
        unfinished.replace(file)

    def restore(self, file: Path) -> None:
        """Go on from what `save` kept, if it did. Raises ValueError naming the file when it cannot be read."""
        if not file.exists():
            return
        try:
            kept = orjson.loads(file.read_bytes())
            self.instantly.workspace.load(kept["instantly"])
            self.ledger.load(kept["paid"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} is no state of a sandbox: delete it to begin anew") from error

    def clear(self) -> None:
        """Begin anew: no faults, no state, nothing counted."""
        self.deliveries.cancel()
        self.faults.clear()
        self.ledger.clear()
        for vendor in self.vendors.values():
            vendor.clear()
