"""Shares one model among conversations: requests are served in order of arrival, and withdrawn ones are skipped."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import ParamSpec, TypeVar

from inference.contract.errors import InferenceError

P = ParamSpec("P")
R = TypeVar("R")


class Withdrawn(InferenceError):
    """The request was withdrawn: the participant went on speaking, or the slot was closed."""

    code = "withdrawn"


class ServedInTurn:
    """A queue for one model. A conversation waits for its own request, so it has at most one in the queue and cannot
    crowd the others out."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"cascade-{name}")

    def call(self, withdrawn: Event, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Waits for `function(*args, **kwargs)` and returns its result.

        Raises Withdrawn when `withdrawn` was set before the request's turn came, and whatever the function raises."""

        def serve() -> R:
            if withdrawn.is_set():
                raise Withdrawn
            return function(*args, **kwargs)

        return self._thread.submit(serve).result()

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
