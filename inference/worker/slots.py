"""The leases of the batch's rows and the queue for them: first come, first served among connected takes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from inference.contract.tokens import SlotRequest


@dataclass(eq=False, slots=True)
class Lease:
    """A take's claim on a row. `row` is None while it waits. While its socket is away, `attached` is False: a leased
    row stays leased, and a place in the queue is kept but skipped."""

    request: SlotRequest
    row: int | None = None
    attached: bool = True


class SlotTable:
    """Rows are free, leased, being scrubbed (released, not yet clean) or retired (could not be cleaned).

    A released row is lent again only after `put_back`, when nothing of its last take remains in it."""

    def __init__(self, slots: int) -> None:
        self._free = deque(range(slots))
        self._retired: set[int] = set()
        self._queue: list[Lease] = []
        self._total = slots

    @property
    def slots(self) -> int:
        """Rows in service."""
        return self._total - len(self._retired)

    @property
    def free_slots(self) -> int:
        return len(self._free)

    @property
    def queue(self) -> tuple[Lease, ...]:
        """The leases that wait, in order."""
        return tuple(self._queue)

    def position(self, lease: Lease) -> int:
        """Returns the place in the queue: 1 is next, and 0 means that it has a row or no longer waits."""
        return self._queue.index(lease) + 1 if lease in self._queue else 0

    def ask(self, request: SlotRequest) -> Lease:
        """Adds a lease to the queue, for `lend` to give it a row. A take that moves here in mid-conversation goes
        first."""
        lease = Lease(request)
        self._queue.insert(0 if request.moved_from else len(self._queue), lease)
        return lease

    def lend(self) -> list[Lease]:
        """Gives the free rows to the attached leases in order of the queue and returns those that got one."""
        lent = []
        for lease in self.queue:
            if not self._free:
                break
            if lease.attached:
                lease.row = self._free.popleft()
                self._queue.remove(lease)
                lent.append(lease)
        return lent

    def release(self, lease: Lease) -> int | None:
        """Ends a lease. Returns its row, which the caller cleans and then puts back or retires; None if it had none."""
        if lease in self._queue:
            self._queue.remove(lease)
        row, lease.row = lease.row, None
        return row

    def put_back(self, row: int) -> None:
        """Returns a clean row to service."""
        self._free.append(row)

    def retire(self, row: int) -> None:
        """Retires a row that could not be cleaned; it is never lent again."""
        self._retired.add(row)
