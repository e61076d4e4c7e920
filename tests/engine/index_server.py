# SPDX-License-Identifier: GPL-3.0-or-later
"""A small package index on this machine (PEP 503 pages, metadata beside the wheels as in PEP 658) over a folder."""

import hashlib
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _metadata(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA")))


class _Handler(BaseHTTPRequestHandler):
    folder: Path
    asked: list[tuple[str, str]]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silence."""

    def do_HEAD(self) -> None:
        self._serve(head=True)

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Range", "")))
        self._serve(head=False)

    def _serve(self, *, head: bool) -> None:
        *_, place, name = self.path.strip("/").split("/")
        if place == "simple":
            self._send(self._page(name), "text/html", head=head)
        elif name.endswith(".metadata"):
            self._send(_metadata(self.folder / name.removesuffix(".metadata")), "text/plain", head=head)
        else:
            self._send((self.folder / name).read_bytes(), "application/octet-stream", head=head)

    def _page(self, name: str) -> bytes:
        wheels = [path for path in self.folder.glob("*.whl") if _normal(path.name.split("-")[0]) == _normal(name)]
        links = [
            f'<a href="/files/{path.name}#sha256={_digest(path.read_bytes())}" '
            f'data-dist-info-metadata="sha256={_digest(_metadata(path))}">{path.name}</a>'
            for path in wheels
        ]
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()

    def _send(self, content: bytes, kind: str, *, head: bool) -> None:
        tag = f'"{_digest(content)[:16]}"'
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match and self.headers.get("If-Range") == tag else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", tag)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if not head:
            self.wfile.write(content[start:])


@contextmanager
def index_of(folder: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(The index's address, what was asked of it: path and range) while it runs."""
    asked: list[tuple[str, str]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"folder": folder, "asked": asked}))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
