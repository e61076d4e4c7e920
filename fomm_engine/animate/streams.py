# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that goes on at the same time: things made ahead of their use, and things used up behind their making.

Both wait where the queue between is full, so that memory does not grow with the length of a video.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
_WAIT_S = 0.1  # how often a waiting thread looks whether it is still wanted


class _End:
    """The last thing in a queue: with what was raised, or nothing."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


@contextmanager
def ahead(items: Generator[Item, None, None], depth: int) -> Generator[Iterator[Item], None, None]:
    """An iterator over `items`, which a thread makes up to `depth` ahead; leaving the block closes them.

    What making an item raises is raised where that item is asked for.
    """
    made: queue.Queue[Item | _End] = queue.Queue(depth)
    stop = threading.Event()

    def work() -> None:
        try:
            with contextlib.closing(items):
                for item in items:
                    if not _offered(made, item, stop):
                        return
            _offered(made, _End(), stop)
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that asks
            _offered(made, _End(error), stop)

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        yield _taken(made)
    finally:
        stop.set()
        thread.join()


def _taken(made: "queue.Queue[Item | _End]") -> Iterator[Item]:
    while not isinstance(item := made.get(), _End):
        yield item
    if item.error is not None:
        raise item.error


def _offered(made: "queue.Queue[Item | _End]", item: "Item | _End", stop: threading.Event) -> bool:
    while not stop.is_set():
        with contextlib.suppress(queue.Full):
            made.put(item, timeout=_WAIT_S)
            return True
    return False


class Behind(Generic[Item]):
    """Hands items to `consume` in a thread of its own, in order, at most `depth` of them waiting.

    What `consume` raises is raised by the next `put`, or at the end of the block; a block that fails itself drops what
    still waits.
    """

    def __init__(self, consume: Callable[[Item], None], depth: int) -> None:
        self._consume = consume
        self._waiting: queue.Queue[Item | _End] = queue.Queue(depth)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="behind", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stop.set()
        _offered(self._waiting, _End(), self._stop)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def put(self, item: Item) -> None:
        """Nothing; the item waits for its turn. Raises what consuming an earlier one raised."""
        if not _offered(self._waiting, item, self._stop) and self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                with contextlib.suppress(queue.Empty):
                    item = self._waiting.get(timeout=_WAIT_S)
                    if isinstance(item, _End):
                        return
                    self._consume(item)
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that puts
            self._error = error
            self._stop.set()
