"""Extra features with the name of a contract column, from the source to the request."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from features.errors import ConfigError
from ml.credit_risk.estimator import CreditRiskEstimator
from ml.credit_risk.params import CreditParams
from ml.requests import request_model
from training.config import TaskConfig, load_config
from training.studies.own_columns import hide_own, own_names, refuse_own, restore_own
from training.studies.rows import RowStudyData


def config_of(folder: Path, task: str, tables: dict[str, pl.DataFrame], **content: object) -> TaskConfig:
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet")
    sources = {"tables": {name: {"parquet": f"{name}.parquet"} for name in tables}}
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources))
    (folder / "task.yaml").write_text(yaml.safe_dump({"task": task, "sources": "sources.yaml", **content}))
    return load_config(task, folder / "task.yaml")


def loans(n: int = 60) -> dict[str, pl.DataFrame]:
    ids = [f"A{i}" for i in range(n)]
    own = {"annual_rate": [-1.5 * i for i in range(n)], "housing": ["hut", "tent"] * (n // 2)}
    money = {"loan_amount": [100_000 + i for i in range(n)], "vehicle_price": [0.5 + i for i in range(n)]}
    outcomes = pl.DataFrame({"application_id": ids, "defaulted": [i % 3 == 0 for i in range(n)]})
    return {"applications": pl.DataFrame({"application_id": ids, **own, **money}), "loan_outcomes": outcomes}


def test_a_replaced_column_is_a_feature_without_the_contract_s_range_and_nothing_is_derived_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    extra = {"numeric": ["annual_rate", "vehicle_price"], "categorical": ["housing"]}
    data = RowStudyData.read(config_of(tmp_path, "credit_risk", loans(), time="none", extra_features=extra))
    fields = {f.name: f for f in data.signature.fields}
    assert len(fields) == len(data.signature.fields)  # each once
    assert (fields["annual_rate"].kind, fields["annual_rate"].low, fields["annual_rate"].own) == ("number", None, True)
    assert (fields["vehicle_price"].unit, fields["housing"].kind) == (None, "text")
    assert (fields["loan_amount"].unit, fields["loan_amount"].own) == ("fen", False)
    request = request_model("Request", data.signature)
    sent = request(annual_rate=-7.5, vehicle_price=0.5, housing="yurt", loan_amount=1_000.0)
    assert sent.model_dump()["housing"] == "yurt"
    estimator = CreditRiskEstimator(params=CreditParams(target_bad_rate=0.5), signature=data.signature)
    derived = estimator._encoder().derived
    assert "loan_to_value" not in derived  # loan_amount / vehicle_price of the contract
    assert data.frame["annual_rate"].min() < -1  # the contract has 0 to 1


def test_the_label_and_columns_that_a_task_computes_with_cannot_be_replaced(tmp_path: Path) -> None:
    config = load_config("demand_forecast", settings=["extra_features={numeric: [price]}"])
    with pytest.raises(ConfigError, match=r"`own_price: \{from: price\}, price: null\}`".replace("`own", "own")):
        refuse_own(config, ("price",))
    from training.study import study_of

    with pytest.raises(ConfigError, match="demand_forecast computes with the contract's column `price`"):
        study_of(config)


def test_an_own_age_takes_the_place_of_the_computed_one() -> None:
    config = load_config("residual_value", settings=["extra_features={numeric: [age_months]}"])
    assert own_names(config) == ("age_months",)
    frames = hide_own({"vehicles": pl.LazyFrame({"age_months": [7.0]})}, "vehicles", own_names(config))
    computed = frames["vehicles"].with_columns(age_months=pl.lit(1.0)).collect()
    assert restore_own(computed, ["age_months"]).to_dicts() == [{"age_months": 7.0}]
