"""A slow link on this machine: a TCP relay that delays what passes and lets only so much pass."""

import queue
import socket
import threading
import time

CHUNK = 4096


class Relay:
    """Relay connections on 127.0.0.1 to another port of it; fast until `slow` is called.

    delay: seconds each way; rate: bytes a second each way, shared by all connections.
    """

    def __init__(self, to: int):
        self.to = to
        self.delay, self.rate = 0.0, float("inf")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._free = {"up": 0.0, "down": 0.0}  # when the link has sent what it was given so far
        self._guard = threading.Lock()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def slow(self, delay: float, rate: float) -> None:
        """From now on delay everything by so many seconds, and let so many bytes a second pass."""
        self.delay, self.rate = delay, rate

    def close(self) -> None:
        """End all connections."""
        self._listener.close()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += [near, far]
            self._pipe(near, far, "up")
            self._pipe(far, near, "down")

    def _pipe(self, source: socket.socket, target: socket.socket, way: str) -> None:
        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()
        threading.Thread(target=self._read, args=(source, waiting, way), daemon=True).start()
        threading.Thread(target=self._write, args=(target, waiting), daemon=True).start()

    def _read(self, source: socket.socket, waiting: queue.Queue, way: str) -> None:
        while True:
            try:
                data = source.recv(CHUNK)
            except OSError:
                data = b""
            with self._guard:
                self._free[way] = max(self._free[way], time.monotonic()) + len(data) / self.rate
                due = self._free[way] + self.delay
            waiting.put((due, data))
            if not data:
                return
            if (early := self._free[way] - time.monotonic()) > 0.25:
                time.sleep(early - 0.25)  # no more than a quarter of a second stands in the queue: the sender feels it

    def _write(self, target: socket.socket, waiting: queue.Queue) -> None:
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(data)
            except OSError:
                return
