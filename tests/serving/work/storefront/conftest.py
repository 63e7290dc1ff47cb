"""A small storefront: 201 days after its start, with the stock of that day and a feedback store of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from features.tables import TABLES
from ml import champions
from ml.recommendation.estimator import RecommendationEstimator
from serving.doors.caller import Caller
from serving.doors.roles import ROLES
from serving.feedback.store import FeedbackStore
from serving.work.entries import WorkEntries
from serving.work.records import Records, RecordTables
from serving.work.routing import WorkContext, WorkRequest
from tests.conftest import Trained
from tests.ml.recommendation.test_pages import NOW, _item

Ask = Callable[..., WorkRequest]


@pytest.fixture
def estimator(recommendation: Trained, monkeypatch: pytest.MonkeyPatch) -> RecommendationEstimator:
    """Return the champion's estimator with the vehicles on offer."""
    monkeypatch.setenv("CHEHANG_HOME", str(recommendation.home))
    champion = champions.champion("recommendation")
    assert champion is not None
    loaded: Any = champions.load(champion).estimator
    listings = pl.read_parquet(recommendation.config.parent / "vehicles.parquet").with_columns(item_id=_item())
    loaded.stock = loaded.stock_of(listings, read_at=NOW)
    return loaded  # type: ignore[no-any-return]


@pytest.fixture
def context(estimator: RecommendationEstimator, recommendation: Trained, tmp_path: Path) -> WorkContext:
    """Return a context with the champion, its events, and no rules yet."""
    frames = {}
    for name in ("events", "vehicles"):
        frame = pl.read_parquet(recommendation.config.parent / f"{name}.parquet")
        contract = TABLES[name].columns
        absent = [pl.lit(None, dtype=c.dtype).alias(n) for n, c in contract.items() if n not in frame.columns]
        frames[name] = frame.with_columns(absent)
    records = Records(lambda: RecordTables(frames, {}, NOW, "Asia/Shanghai", 1), fixed=NOW)
    records.load()
    loaded = SimpleNamespace(estimator=estimator)
    store: Any = SimpleNamespace(
        current=lambda task: loaded if task == "recommendation" else None, update_live_data=lambda name: None
    )
    settings: Any = SimpleNamespace(configs=tmp_path)
    entries = WorkEntries(FeedbackStore(f"sqlite:///{tmp_path}/feedback.db"), None)
    return WorkContext(records, entries, SimpleNamespace(), store, settings)  # type: ignore[arg-type]


@pytest.fixture
def ask(context: WorkContext) -> Ask:
    """Return a function that makes a request of somebody."""

    def make(*, role: str = "manager", stores: Sequence[str] | None = None, **fields: Any) -> WorkRequest:
        caller = Caller("k", "Li", role, ROLES[role], None if stores is None else frozenset(stores))
        return WorkRequest(context, caller=caller, **fields)

    return make
