from __future__ import annotations

from threading import Event, Thread

import pytest

from inference.engines.cascade.sharing import ServedInTurn, Withdrawn


def test_model_serves_one_at_a_time() -> None:
    model = ServedInTurn("test")
    at_work: list[int] = []
    together: list[int] = []

    def work(number: int) -> None:
        at_work.append(number)
        together.append(len(at_work))
        Event().wait(0.002)  # long enough for another to come in, were it let in
        at_work.remove(number)

    threads = [Thread(target=model.call, args=(Event(), work, number)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1] * 10
    model.close()


def test_withdrawn_request_is_passed_over() -> None:
    model = ServedInTurn("test")
    withdrawn = Event()
    withdrawn.set()
    with pytest.raises(Withdrawn):
        model.call(withdrawn, lambda: pytest.fail("served"))
    assert model.call(Event(), lambda: 7) == 7
    model.close()


def test_error_of_a_model_reaches_the_one_who_asked() -> None:
    model = ServedInTurn("test")
    with pytest.raises(ZeroDivisionError):
        model.call(Event(), lambda: 1 / 0)
    assert model.call(Event(), lambda: 7) == 7
    model.close()
