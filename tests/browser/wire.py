"""What crosses the kernel's websocket, frame by frame, with the browser's own timestamps."""

import base64
import json
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    at: float  # seconds on the clock of `Lab.now()`
    bytes: int  # of the payload
    inbound: bool  # from the kernel to the page
    kind: str  # the Jupyter message's type: comm_msg, status, stream, ..; empty where it could not be read


class Wire:
    """Listens through the DevTools protocol, whose events carry the moment at which the browser saw a frame."""

    def __init__(self, devtools):
        self.frames: list[Frame] = []
        self.addresses: dict[str, str] = {}  # of all websockets by DevTools' request id
        devtools.on("Network.webSocketCreated", lambda e: self.addresses.__setitem__(e["requestId"], e["url"]))
        devtools.on("Network.webSocketFrameReceived", lambda e: self._take(e, True))
        devtools.on("Network.webSocketFrameSent", lambda e: self._take(e, False))
        devtools.send("Network.enable")

    def _take(self, event: dict, inbound: bool) -> None:
        address = self.addresses.get(event["requestId"], "").split("?")[0]
        if not address.endswith("/channels"):  # the server's other websockets carry no kernel messages
            return
        frame = event["response"]
        binary = frame["opcode"] == 2
        payload = base64.b64decode(frame["payloadData"]) if binary else frame["payloadData"].encode()
        self.frames.append(Frame(event["timestamp"], len(payload), inbound, kind_of(payload, binary)))


def kind_of(payload: bytes, binary: bool) -> str:
    """The type of the Jupyter message in a frame: a text frame is JSON, a binary one offsets and parts."""
    try:
        if not binary:
            return json.loads(payload)["header"]["msg_type"]
        (count,) = struct.unpack_from("<Q", payload)
        offsets = struct.unpack_from(f"<{count}Q", payload, 8)
        return json.loads(payload[offsets[1] : offsets[2]])["msg_type"]  # parts: channel, header, parent, ..
    except (ValueError, KeyError, IndexError, struct.error):
        return ""
