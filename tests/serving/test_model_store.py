"""The thread of a model store: it starts once, stops, and starts again; the age of the data is a metric."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ml.registry import TASKS
from serving.metrics import DATA_TIME
from serving.model_store import LoadedChampion, ModelStore
from tests.serving.running import until


class Checks(ModelStore):
    """A store that counts its checks."""

    def __init__(self) -> None:
        super().__init__(poll_seconds=0.01)
        self.checks = 0

    def refresh(self) -> None:
        self.checks += 1


def test_a_stopped_store_goes_on_checking_when_it_is_started_again() -> None:
    store = Checks()
    store.start()
    until(lambda: store.checks > 2)
    store.start()  # does nothing while the thread runs
    thread = store._thread
    store.stop()
    assert thread is not None
    thread.join(timeout=10)
    checks = store.checks
    store.start()
    until(lambda: store.checks > checks + 2)
    assert store._thread is not thread and not thread.is_alive()
    store.stop()


def test_the_time_of_the_data_is_a_metric() -> None:
    store = Checks()
    estimator: Any = SimpleNamespace(stock=SimpleNamespace(read_at=1_700_000_000_000_000))
    model: Any = SimpleNamespace(task=TASKS["recommendation"], estimator=estimator, card={})
    store._live_updates["recommendation"] = lambda estimator: False
    assert store._update("recommendation", LoadedChampion(1, model)) is False
    assert DATA_TIME.value("recommendation", "stock") == 1_700_000_000
