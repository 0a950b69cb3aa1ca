"""Leases: who gets a row, who waits, and when a row may be lent again."""

from __future__ import annotations

from inference.contract.tokens import SlotRequest
from inference.worker.slots import Lease, SlotTable


def ask(table: SlotTable, *takes: str) -> list[Lease]:
    return [table.ask(SlotRequest(take, "echo")) for take in takes]


def test_lend_first_come_first_served() -> None:
    table = SlotTable(2)
    alice, bob, charlie = ask(table, "alice", "bob", "charlie")
    assert table.lend() == [alice, bob]
    assert [alice.row, bob.row, charlie.row] == [0, 1, None]
    assert [table.position(lease) for lease in (alice, bob, charlie)] == [0, 0, 1]


def test_release_row_not_lent_before_it_is_clean() -> None:
    table = SlotTable(1)
    alice, bob = ask(table, "alice", "bob")
    table.lend()
    row = table.release(alice)
    assert (row, table.lend(), table.free_slots) == (0, [], 0)
    table.put_back(0)
    assert table.lend() == [bob]
    assert bob.row == 0


def test_retire_row_never_lent_again() -> None:
    table = SlotTable(2)
    alice, bob, charlie = ask(table, "alice", "bob", "charlie")
    table.lend()
    assert table.release(alice) == 0
    table.retire(0)
    assert (table.lend(), table.slots, charlie.row, bob.row) == ([], 1, None, 1)


def test_release_from_the_queue_moves_the_others_up() -> None:
    table = SlotTable(1)
    _, bob, charlie = ask(table, "alice", "bob", "charlie")
    table.lend()
    assert table.release(bob) is None
    assert (table.queue, table.position(charlie)) == ((charlie,), 1)


def test_lend_passes_over_who_is_away_and_keeps_their_place() -> None:
    table = SlotTable(1)
    alice, bob, charlie = ask(table, "alice", "bob", "charlie")
    table.lend()
    bob.attached = False
    table.put_back(table.release(alice) or 0)
    assert table.lend() == [charlie]
    assert table.position(bob) == 1
    bob.attached = True
    table.put_back(table.release(charlie) or 0)
    assert table.lend() == [bob]


def test_lend_whoever_moves_here_goes_first() -> None:
    table = SlotTable(1)
    alice, bob = ask(table, "alice", "bob")
    charlie = table.ask(SlotRequest("charlie", "echo", moved_from="ws://gpu-1:8700"))
    assert (table.queue, table.lend()) == ((charlie, alice, bob), [charlie])
