"""State of one sandbox: people, vendor servers, faults and call statistics."""

from pathlib import Path

import orjson

from sandbox.call_statistics import CallStatistics
from sandbox.deliveries import OutgoingDeliveries
from sandbox.faults import FaultRegistry
from sandbox.people import FakePeople
from sandbox.settings import SandboxSettings
from sandbox.vendor_server import FaultTarget, VendorServer
from sandbox.vendors.batchdata import BatchDataServer
from sandbox.vendors.batchdata.mcp_server import BatchDataMcpServer
from sandbox.vendors.instantly import InstantlyServer
from sandbox.vendors.melissa import MelissaServer
from sandbox.vendors.openrouter import OpenRouterServer
from sandbox.vendors.smtp import SmtpServer


class SandboxState:
    """State of one sandbox."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.people = FakePeople(settings.sandbox_seed)
        self.faults = FaultRegistry(settings.sandbox_seed)
        self.statistics = CallStatistics()
        self.deliveries = OutgoingDeliveries()
        self.melissa = MelissaServer(settings, self.people, self.statistics)
        self.batchdata = BatchDataServer(settings, self.people, self.statistics, self.deliveries)
        self.batchdata_mcp = BatchDataMcpServer(self.batchdata, self.faults)
        self.instantly = InstantlyServer(settings, self.statistics, self.faults, self.deliveries)
        self.openrouter = OpenRouterServer(settings, self.statistics)
        servers = (self.melissa, self.batchdata, self.batchdata_mcp, self.instantly, self.openrouter)
        self.vendors: dict[str, VendorServer] = {vendor.name: vendor for vendor in servers}
        self.smtp = SmtpServer(settings, self.statistics, self.faults)
        self.fault_targets: dict[str, FaultTarget] = {**self.vendors, self.smtp.name: self.smtp}

    def save_to(self, file: Path) -> None:
        """Write the Instantly workspace and the paid records to *file*, which only this user can read."""
        unfinished = file.with_name(f"{file.name}.unfinished")
        unfinished.touch(mode=0o600)
        saved = {
            "instantly": self.instantly.workspace.export_tables(),
            "paid": self.statistics.export_paid_records(),
        }
        unfinished.write_bytes(orjson.dumps(saved))
        unfinished.replace(file)

    def restore_from(self, file: Path) -> None:
        """Load what `save_to` wrote, if *file* exists. Raise ValueError that names the file if it is not readable."""
        if not file.exists():
            return
        try:
            saved = orjson.loads(file.read_bytes())
            self.instantly.workspace.import_tables(saved["instantly"])
            self.statistics.import_paid_records(saved["paid"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} is not a state file of the sandbox. To start empty, delete it.") from error

    def reset_everything(self) -> None:
        """Switch off all faults, delete the state of all vendors, and set all counts to zero."""
        self.deliveries.cancel_all()
        self.faults.clear_faults()
        self.statistics.clear_counts()
        for target in self.fault_targets.values():
            target.clear_state()
