# SPDX-License-Identifier: GPL-3.0-or-later
"""A small web server on this machine that serves one file as well or as badly as a test wants."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Behaviour:
    """What the server does with a request, by the first word of its path; `asked` remembers (path, range)."""

    content: bytes
    tag: str = '"one"'
    break_after: list[int] = field(default_factory=lambda: [])  # bytes after which each coming transfer breaks off
    asked: list[tuple[str, str]] = field(default_factory=lambda: [])


class _Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silence."""

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.behaviour.asked.append((self.path, wanted))
        word = self.path.split("?")[0].strip("/").split("/")[0]
        getattr(self, f"_{word}")(wanted)

    def _file(self, wanted: str, content: bytes | None = None, lie: int = 0) -> None:
        content = self.behaviour.content if content is None else content
        match = re.fullmatch(r"bytes=(\d+)-", wanted)
        start = int(match[1]) if match and self.headers.get("If-Range") == self.behaviour.tag else 0
        if start:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("ETag", self.behaviour.tag)
        self.send_header("Content-Length", str(len(content) - start + lie))
        self.end_headers()
        limit = self.behaviour.break_after.pop(0) if self.behaviour.break_after else len(content)
        self.wfile.write(content[start : start + limit])
        if limit < len(content) or lie:
            self.close_connection = True

    def _liar(self, wanted: str) -> None:
        self._file(wanted, lie=1000)

    def _wrong(self, wanted: str) -> None:
        self._file(wanted, content=bytes(len(self.behaviour.content)))

    def _page(self, wanted: str) -> None:
        body = b"<html>Quota exceeded</html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _gone(self, wanted: str) -> None:
        self.send_error(404)

    def _busy(self, wanted: str) -> None:
        self.send_error(503)

    def _moved(self, wanted: str) -> None:
        self._redirect("/file")

    def _insecure(self, wanted: str) -> None:
        self._redirect("http://example.com/file")

    def _api(self, wanted: str) -> None:
        host, port = self.server.server_address[:2]
        body = json.dumps({"href": f"http://{host}:{port}/file/x?key=1", "method": "GET"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """The server's address, while it runs."""
    handler = type("Handler", (_Handler,), {"behaviour": behaviour})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
