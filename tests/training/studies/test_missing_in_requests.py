"""What training reads as missing is missing in a request and in batch scoring: special codes of a credit file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from ml.credit_risk.answer import CreditRiskAnswer
from ml.model import Model
from ml.registry import TASKS
from serving.asgi import Problem
from serving.bodies import parse_request
from serving.limits.lists import parse_batch
from training.config import TaskConfig, load_config
from training.studies.row_data import LabelledRows
from training.studies.row_score import score_rows


def write_case(folder: Path, *, rows: int = 1_200) -> Path:
    """Write loans with the codes 96 and 98 for an unknown `late` and -9999 for an unknown `age`; return the YAML."""
    rng = np.random.default_rng(3)
    late, age = rng.poisson(0.7, rows).astype(float), rng.integers(20, 70, rows).astype(float)
    util = rng.uniform(0.01, 0.99, rows).round(3)
    bad = rng.random(rows) < 1 / (1 + np.exp(-(-2.5 + 1.2 * late + 1.5 * util)))
    late[rng.random(rows) < 0.1] = 98
    late[rng.random(rows) < 0.02] = 96
    age[rng.random(rows) < 0.1] = -9_999
    town = np.where(rng.random(rows) < 0.2, " ?", rng.choice(["Wuxi", "Suzhou"], rows))
    loans = pl.DataFrame({"util": util, "late": late, "age": age, "town": town, "bad": bad.astype(int)})
    loans.write_csv(folder / "loans.csv")
    columns = {
        "application_id": {"row_number": True},
        "late": {"from": "late", "nulls": [96, 98]},
        "age": {"from": "age", "nulls": [-9999]},
        "town": {"from": "town", "nulls": ["?"]},
    }
    outcomes = {"application_id": {"row_number": True}, "defaulted": "bad"}
    tables = {
        "applications": {"csv": "loans.csv", "columns": columns},
        "loan_outcomes": {"csv": "loans.csv", "columns": outcomes},
    }
    (folder / "sources.yaml").write_text(yaml.safe_dump({"tables": tables}))
    config = {
        "task": "credit_risk", "sources": "sources.yaml", "time": "none",
        "extra_features": {"numeric": ["util", "late", "age"], "categorical": ["town"]},
        "params": {"boosted_trees": {"n_estimators": 20, "num_leaves": 4, "num_threads": 1}, "target_bad_rate": 0.05},
    }  # fmt: skip
    (folder / "credit_risk.yaml").write_text(yaml.safe_dump(config))
    return folder / "credit_risk.yaml"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, TaskConfig, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("codes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHEHANG_HOME", str(folder / "home"))
        config = load_config("credit_risk", write_case(folder))
        data = LabelledRows.read(config)
        estimator = data.fit_rows(data.parts["train"], data.parts["calibrate"])
    stored = type(estimator).from_files(estimator.to_files())
    return Model(TASKS["credit_risk"], stored, {}), config, pl.read_csv(folder / "loans.csv")


def answer(model: Model, **body: Any) -> CreditRiskAnswer:
    (result,) = model.answers([parse_request(model.request(), json.dumps(body).encode())], explain=False)
    assert isinstance(result, CreditRiskAnswer)
    return result


@pytest.mark.parametrize(
    ("field", "code"), [("late", 98), ("late", 96.0), ("age", -9_999), ("town", "?"), ("town", "")]
)
def test_a_code_is_answered_like_a_field_that_is_left_out(trained: Any, field: str, code: Any) -> None:
    model, body = trained[0], {"util": 0.3, "late": 2, "age": 41, "town": "Wuxi"}
    coded, complete = answer(model, **{**body, field: code}), answer(model, **body)
    without = answer(model, **{n: v for n, v in body.items() if n != field})
    assert coded == without and coded.missing == [field] and not coded.warnings and not coded.unseen
    assert complete.missing == []
    if field == "late":
        assert coded.probability_of_default != complete.probability_of_default


def test_a_code_in_a_field_that_no_training_row_lacks_is_refused(trained: Any) -> None:
    estimator = trained[0].estimator
    fields = [f.model_copy(update={"required": True}) if f.name == "late" else f for f in estimator.signature.fields]
    model = TASKS["credit_risk"].endpoint.request(
        {"credit_risk": Model(TASKS["credit_risk"], _with_fields(estimator, fields), {})}
    )
    for code in (98, 96):
        with pytest.raises(Problem) as problem:
            parse_request(model, json.dumps({"util": 0.3, "late": code}).encode())
        assert problem.value.details[0]["field"] == "late" and problem.value.details[0]["rule"] == "missing_value"
        assert "send its true value" in problem.value.message


def _with_fields(estimator: Any, fields: Any) -> Any:
    signature = estimator.signature.model_copy(update={"fields": tuple(fields)})
    return type(estimator)(params=estimator.params, signature=signature)


def test_requests_with_the_values_of_the_file_agree_with_batch_scoring(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, config, loans = trained
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    scores = score_rows(model, config, data=None, as_of=None)["probability_of_default"]
    items = loans.drop("bad").head(300).to_dicts()
    requests = parse_batch(model.request(), json.dumps({"items": items}).encode(), max_rows=300)
    answers = model.answers(requests, explain=False)
    assert [a.probability_of_default for a in answers] == scores.head(300).round(6).to_list()
    lacking = [["late"] * (r["late"] in (96, 98)) + ["age"] * (r["age"] == -9_999) for r in items]
    assert [[n for n in a.missing if n != "town"] for a in answers] == lacking
    assert [("town" in a.missing) for a in answers] == [r["town"].strip() == "?" for r in items]


def test_an_implausible_value_is_answered_with_a_warning(trained: Any) -> None:
    (warning,) = answer(trained[0], util=45, late=1, age=30).warnings
    assert warning.field == "util" and warning.en.endswith("the training data has fractions such as 0.3, not per cent")


def test_a_category_that_training_lacks_is_named(trained: Any) -> None:
    result = answer(trained[0], util=0.3, late=1, age=30, town="wuxi")
    assert result.unseen == ["town"] and result.missing == []
