"""What crosses the kernel's websocket, frame by frame, with the browser's own timestamps."""

import base64
import itertools
import json
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    at: float  # seconds on the clock of `Lab.now()`
    bytes: int  # of the payload
    inbound: bool  # from the kernel to the page
    kind: str  # the Jupyter message's type: comm_msg, status, stream, ..; empty where it could not be read
    content: dict  # of a widget's own message; empty for all others


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
        kind, content = read(payload, binary)
        self.frames.append(Frame(event["timestamp"], len(payload), inbound, kind, content))


def read(payload: bytes, binary: bool) -> tuple[str, dict]:
    """The type of the message in a frame, and what a widget said in it: text is JSON, binary offsets and parts."""
    try:
        if not binary:
            message = json.loads(payload)
            kind, content = message["header"]["msg_type"], message["content"]
        else:
            (count,) = struct.unpack_from("<Q", payload)
            offsets = struct.unpack_from(f"<{count}Q", payload, 8)
            parts = [payload[a:b] for a, b in itertools.pairwise(offsets)]  # channel, header, parent, metadata, content
            kind, content = json.loads(parts[1])["msg_type"], json.loads(parts[4])
        data = content.get("data", {}) if kind == "comm_msg" else {}
        return kind, data.get("content", {}) if data.get("method") == "custom" else {}
    except (ValueError, KeyError, IndexError, struct.error):
        return "", {}
