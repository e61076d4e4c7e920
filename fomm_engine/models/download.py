# SPDX-License-Identifier: GPL-3.0-or-later
"""One file over HTTP: resumed where it broke off, over TLS alone, never taken for whole before it is."""

import http.client
import ipaddress
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

from fomm_engine import __version__
from fomm_engine.wire.model_table import Source

YANDEX_API = "https://cloud-api.yandex.net/v1/disk/public/resources/download"
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class DownloadSettings:
    """tries: how often a broken transfer goes on; a silent line is given up after timeout_s."""

    tries: int = 5
    timeout_s: float = 30.0
    pause_s: float = 1.0
    piece: int = 1 << 18


class SourceError(Exception):
    """This source cannot give the file; another may. `offline`: it was not even reached."""

    def __init__(self, reason: str, *, offline: bool = False) -> None:
        super().__init__(reason)
        self.offline = offline


@dataclass(frozen=True)
class _Note:
    """Where a part came from, the server's tag of the file, and the bytes it has in all."""

    host: str = ""
    tag: str = ""
    total: int | None = None


class _Broken(Exception):
    """The transfer stopped before the end; it can go on."""


def fetch(
    source: Source,
    partial: Path,
    progress: Progress,
    settings: DownloadSettings | None = None,
    expected_size: int | None = None,
) -> None:
    """Nothing; the whole file stands in `partial`, which may hold the first part of it already.

    `progress(bytes there, bytes in all or None)` is called for each piece and may stop the transfer by raising; what is
    there stays for the next time. Raises SourceError.
    """
    settings = settings or DownloadSettings()
    for attempt in range(settings.tries):
        try:
            url = _file_url(source, settings)
            _transfer(url, partial, progress, settings, expected_size)
            return
        except _Broken as error:
            if attempt + 1 == settings.tries:
                raise SourceError(f"the transfer broke off {settings.tries} times ({error})") from error
            time.sleep(settings.pause_s * 2**attempt)


def check_address(url: str) -> None:
    """Nothing for https, and for http to this very machine. Raises SourceError for anything else."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise SourceError(f"{parts.scheme}://{parts.hostname} is not a secure address")


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        try:
            check_address(newurl)
        except SourceError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _file_url(source: Source, settings: DownloadSettings) -> str:
    if source.kind != "yandex":
        return source.url
    query = f"?public_key={quote(source.url, safe='')}"
    query += f"&path={quote(source.path, safe='')}" if source.path else ""
    with _opened((source.api or YANDEX_API) + query, {}, settings) as answer:
        try:
            return str(json.loads(answer.read(1 << 20))["href"])
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError("Yandex Disk gave no address for the file") from error


def _opened(url: str, headers: dict[str, str], settings: DownloadSettings) -> http.client.HTTPResponse:
    check_address(url)
    agent = {"User-Agent": f"understudy/{__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers={**agent, **headers})
    try:
        return urllib.request.build_opener(_SecureRedirects).open(request, timeout=settings.timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _Broken(f"the server answers {error.code}") from error
        raise SourceError(f"the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise SourceError(f"no connection ({error.reason})", offline=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(str(error) or type(error).__name__) from error


def _transfer(
    url: str, partial: Path, progress: Progress, settings: DownloadSettings, expected_size: int | None
) -> None:
    note = _noted(partial, url)
    have = partial.stat().st_size if note.tag else 0
    if have and have == note.total:
        return
    try:
        answer = _opened(url, {"Range": f"bytes={have}-", "If-Range": note.tag} if have else {}, settings)
    except urllib.error.HTTPError as error:  # the range is not there: the file is another one now
        forget(partial)
        raise _Broken("the file changed on the server") from error
    with answer:
        _check_is_file(answer.headers)
        start = _start(answer, have)
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        if expected_size is not None and total not in (None, expected_size):
            raise SourceError(f"the file has {total} bytes there, it should have {expected_size}")
        noted = _Note(urlsplit(url).netloc, _tag(answer.headers), total)
        _note_of(partial).write_text(json.dumps(asdict(noted)), encoding="ascii")
        done = _copy(answer, partial, start, lambda there: progress(there, total), settings)
    if total is not None and done < total:
        raise _Broken(f"{done} of {total} bytes came")


def _copy(
    answer: http.client.HTTPResponse,
    partial: Path,
    start: int,
    told: Callable[[int], None],
    settings: DownloadSettings,
) -> int:
    done = start
    with partial.open("r+b" if start else "wb") as stream:
        stream.seek(start)
        stream.truncate()
        try:
            while piece := answer.read(settings.piece):
                stream.write(piece)
                done += len(piece)
                told(done)
        except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise _Broken(f"after {done} bytes: {type(error).__name__}") from error
    return done


def _start(answer: http.client.HTTPResponse, have: int) -> int:
    """Where the answer begins: at what is there already, or at 0 where the server sends all of it again."""
    if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
        return 0
    said = answer.headers.get("Content-Range", "")
    if not said.startswith(f"bytes {have}-"):
        raise SourceError(f"the server sends another part than asked for ({said!r})")
    return have


def _check_is_file(headers: Message) -> None:
    if headers.get_content_type() == "text/html":
        raise SourceError("the server sends a web page instead of the file (a quota, a login, or a dead link)")


def _noted(partial: Path, url: str) -> _Note:
    """What is known of the part that is there; no tag where nothing is, or where it came from another server."""
    try:
        note = _Note(**json.loads(_note_of(partial).read_text(encoding="ascii")))
    except (OSError, ValueError, TypeError):
        return _Note()
    usable = note.host == urlsplit(url).netloc and partial.is_file()
    return note if usable else _Note()  # whether it is the same file there, the server says by the tag


def _tag(headers: Message) -> str:
    tag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def forget(partial: Path) -> None:
    """Nothing; neither the part nor what is known of it is left."""
    partial.unlink(missing_ok=True)
    _note_of(partial).unlink(missing_ok=True)


def _note_of(partial: Path) -> Path:
    return partial.with_name(partial.name + ".json")
