"""Block list operations of Instantly."""

from sandbox.vendor_server import VendorCall, VendorOperation, VendorResponse
from sandbox.vendors.instantly.request_reader import InstantlyRequestReader
from sandbox.vendors.instantly.requests import BlockManyRequest, BlockRequest
from sandbox.vendors.instantly.workspace import InstantlyWorkspace

_PATH = "/api/v2/block-lists-entries"


class BlockListApi:
    """Operations on the block list of the workspace."""

    def __init__(self, workspace: InstantlyWorkspace, reader: InstantlyRequestReader) -> None:
        self._workspace = workspace
        self._reader = reader
        self.operations = (
            VendorOperation("block", "POST", _PATH, self._add),
            VendorOperation("block_many", "POST", f"{_PATH}/bulk-create", self._add_many),
            VendorOperation("list_blocked", "GET", _PATH, self._list, ("cursor_on_last_page",)),
        )

    async def _add(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(BlockRequest, call)
        return VendorResponse(self._workspace.block_values([request.bl_value])[0])

    async def _add_many(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(BlockManyRequest, call)
        valid = [value for value in request.bl_values if "." in value]
        invalid_count = len(request.bl_values) - len(valid)
        entries = self._workspace.block_values(valid)
        return VendorResponse({"items": entries, "valid_count": len(valid), "invalid_count": invalid_count})

    async def _list(self, call: VendorCall) -> VendorResponse:
        return VendorResponse(self._reader.create_query_page(call, list(self._workspace.blocked.values())))
