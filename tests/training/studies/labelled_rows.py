"""Labelled rows few enough to compute every figure by hand, and an estimator that predicts a column.

Of the 40 test rows, 2 of the 20 with `x` 0.1 and 18 of the 20 with `x` 0.9 are positive. The AUC of `x` is the share
of the 20 x 20 pairs in which the positive row has the higher `x`: (18 x 18 + (18 x 2 + 2 x 18) / 2) / 400 = 0.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Self, cast

import numpy as np
import polars as pl

from features.sources import RawTables, TableReport
from ml.labels import Labels
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
    """Predict the column `x`; `fitted` has the numbers of training and calibration rows."""

    notes = ("the column itself",)
    references: tuple[str, ...] = ()

    def __init__(self, *, params: Any = None, signature: Signature = SIGNATURE) -> None:
        self.signature = signature
        self.policy_ = {"approve": 0.5, "decline": 0.95}
        self.encoder_ = SimpleNamespace(feature_names_out_=["x", "city"])
        self.fitted: list[int] = []

    def fit(self, X: pl.DataFrame, y: Any, *, calibrate: tuple[pl.DataFrame, Any], **options: Any) -> Self:
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
    """Return 80 training, 20 calibration and 40 test rows: in each part `x` low, then high; cities alternate."""
    parts, x, label, at = {}, [], [], []
    for name, rows, month in (("train", 80, "old"), ("calibrate", 20, "old"), ("test", 40, "new")):
        half = rows // 2
        begin = len(x)
        x += [0.1] * half + [0.9] * half
        rarer = half // 10
        label += [1.0] * rarer + [0.0] * (half - rarer) + [0.0] * rarer + [1.0] * (half - rarer)
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
        labels=Labels(),
        task="credit_risk", definition=TASK, params=None, timeless=False, segments=("city",), protected=("sex",),
        bootstraps=20, refit=False, acknowledged_leaks=(), split=SimpleNamespace(seed=1), tune=SimpleNamespace(folds=2),
    )  # fmt: skip
    vars(config).update(settings)
    fields: Any = {
        "config": config,
        "raw": RawTables({}, {TASK.tables[0]: TableReport(TASK.tables[0], n, n, 0, {}, "f", ())}),
    }
    return RowStudyData(
        frame=frame,
        label=np.array(label),
        features=("x", "doors", "city"),
        parts=parts,
        signature=SIGNATURE,
        notes=("eighty rows",),
        fingerprint="f",
        **fields,
    )
