"""Rows with a yes/no label small enough to compute every figure by hand, and an estimator that answers with a column.

Of the 40 test rows, the 20 with `x` 0.1 hold 2 yeses and the 20 with `x` 0.9 hold 18. The AUC of `x` is the share of
the 20 x 20 pairs in which the yes is above: (18 x 18 + (18 x 2 + 2 x 18) / 2) / 400 = 0.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Self, cast

import numpy as np
import polars as pl

from features.sources import RawTables
from ml.metrics import brier, roc_auc
from ml.problem import BinaryProblem, RowMetric
from ml.registry import TASKS
from ml.signature import Field, Signature
from training.studies.rows import RowStudyData

MONTH = {name: int(datetime(2024, m, 1, tzinfo=UTC).timestamp()) * 1_000_000 for name, m in (("old", 1), ("new", 3))}
SIGNATURE = Signature(
    fields=(
        Field(name="x", kind="number", feature=True, required=True),
        Field(name="doors", kind="integer", feature=True),
        Field(name="city", kind="category", feature=True, values=("north", "south")),
        Field(name="colour", kind="text"),
    )
)


class ColumnEstimator:
    """Answers with the column `x`; notes the rows that it was fitted and calibrated on."""

    notes = ("the column itself",)
    references: tuple[str, ...] = ()

    def __init__(self, *, params: Any = None, signature: Signature = SIGNATURE) -> None:
        self.signature = signature
        self.policy_ = {"approve": 0.5, "decline": 0.95}
        self.encoder_ = SimpleNamespace(feature_names_out_=["x", "city"])
        self.fitted: list[int] = []

    def fit(self, X: pl.DataFrame, y: Any, *, calibrate: tuple[pl.DataFrame, Any], **more: Any) -> Self:
        self.fitted = [X.height, calibrate[0].height]
        return self

    def predict(self, X: pl.DataFrame) -> pl.DataFrame:
        return X.select(
            p="x", band=pl.when(pl.col("x") <= 0.5).then(pl.lit("approve")).otherwise(pl.lit("refer")).cast(pl.String)
        )

    def importance(self, X: pl.DataFrame) -> Mapping[str, float]:
        return {"x": 1.0}


TASK = replace(
    TASKS["credit_risk"],
    problem=replace(
        cast("BinaryProblem", TASKS["credit_risk"].problem),
        estimator=cast("Any", ColumnEstimator),
        metrics={"roc_auc": RowMetric(roc_auc, better="higher"), "brier": RowMetric(brier, better="lower")},
    ),
)


def labelled_rows(**settings: Any) -> RowStudyData:
    """80 rows to learn from, 20 to calibrate, 40 to test: `x` low, then high, in each part, alternating cities."""
    parts, x, label, at = {}, [], [], []
    for name, rows, month in (("train", 80, "old"), ("calibrate", 20, "old"), ("test", 40, "new")):
        half = rows // 2
        begin = len(x)
        x += [0.1] * half + [0.9] * half
        yeses = half // 10
        label += [1.0] * yeses + [0.0] * (half - yeses) + [0.0] * yeses + [1.0] * (half - yeses)
        at += [MONTH[month] + i for i in range(begin, begin + rows)]
        parts[name] = np.arange(begin, begin + rows)
    n = len(x)
    frame = pl.DataFrame(
        {
            "application_id": [f"A{i}" for i in range(n)],
            "as_of": at,
            "x": x,
            "doors": [4 if i % 3 else 5 for i in range(n)],
            "city": ["north" if i % 2 else "south" for i in range(n)],
            "sex": ["f" if i % 2 else "m" for i in range(n)],
        }
    )
    config = SimpleNamespace(
        task="credit_risk", definition=TASK, params=None, timeless=False, segments=("city",), protected=("sex",),
        bootstraps=20, refit=False, acknowledged_leaks=(), split=SimpleNamespace(seed=1), tune=SimpleNamespace(folds=2),
    )  # fmt: skip
    vars(config).update(settings)
    more: Any = {"config": config, "raw": RawTables({}, {})}
    return RowStudyData(
        frame=frame,
        label=np.array(label),
        features=("x", "doors", "city"),
        parts=parts,
        signature=SIGNATURE,
        notes=("eighty rows",),
        fingerprint="f",
        **more,
    )
