"""Servers for tests: in this process, and as a process that one talks to by sockets."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partialmethod
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

from edgemood.server import Settings, make_app

T = TypeVar("T")

#: A server on a busy machine answers in less.
PATIENCE_S = 30.0


class Client:
    """Asks an application in this process, from outside its event loop, which is a thread of its own."""

    def __init__(self, app: FastAPI, loop: asyncio.AbstractEventLoop) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        self._loop = loop
        self.app = app

    def request(self, method: str, path: str, **extra: Any) -> httpx.Response:
        """Ask, and wait for the whole answer."""
        return self.wait(self._client.request(method, path, **extra))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    get = partialmethod(request, "GET")
    head = partialmethod(request, "HEAD")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    delete = partialmethod(request, "DELETE")
    patch = partialmethod(request, "PATCH")
    options = partialmethod(request, "OPTIONS")


@contextmanager
def asking(library: str | os.PathLike[str], **settings: Any) -> Iterator[Client]:
    """Run the application in this process, and give a client."""
    app = make_app(Settings(library=str(library), **settings))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    client = Client(app, loop)
    lifespan = app.router.lifespan_context(app)
    try:
        client.wait(lifespan.__aenter__())
        yield client
        client.wait(lifespan.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def send(self, request: bytes) -> bytes:
        """Send bytes as they are, and give all that comes until the server closes."""
        with self.connect() as link:
            link.sendall(request)
            return everything(link)

    def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
        """Ask as a plain client does, and give the status and the body."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        answer = self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return status_of(answer), answer.partition(b"\r\n\r\n")[2]

    def json(self, method: str, path: str, given: Any = None) -> Any:
        """Ask with JSON for JSON."""
        body = b"" if given is None else json.dumps(given).encode()
        return json.loads(self.ask(method, path, "Content-Type: application/json", body=body)[1])


@contextmanager
def serving(library: str | os.PathLike[str], *options: str, first: str = "pass") -> Iterator[Server]:
    """Run `edgemood serve` on a free port; `first`: a statement before, to be less patient than others wish to be."""
    command = [sys.executable, "-c", f"{first}\nfrom edgemood.cli import main\nmain()", "serve"]
    process = subprocess.Popen(
        [*command, "--library", str(library), "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r":(\d+)/$", said.strip())
        assert found, said + (process.stderr.read() if process.stderr and process.poll() is not None else "")
        yield Server(process, int(found[1]))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def everything(link: socket.socket) -> bytes:
    """Read until the other side closes, or breaks off."""
    parts = []
    try:
        while part := link.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    """Give the status of an answer; 0 where there is none."""
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else 0


def error_of(answer: Any) -> tuple[int, str]:
    """Give the status of a refusal and the exception's name, in the shape that all have."""
    said = answer.json()
    assert set(said) == {"error"} and set(said["error"]) == {"type", "message"} and said["error"]["message"], said
    return answer.status_code, said["error"]["type"]


def songs(folder: Path, count: int, seconds: float = 4.0) -> None:
    """Write short pieces of music."""
    import numpy as np
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(int(22050 * seconds)) / 22050
    for number in range(count):
        wave = 0.3 * np.sin(2 * np.pi * (220 + 40 * number) * time_s) * (1 + 0.5 * np.sin(6 * time_s))
        soundfile.write(folder / f"{number}.wav", wave.astype(np.float32), 22050)
