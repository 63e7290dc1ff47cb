"""Requirements of every task in the registry; a new task only adds a fixture of its name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from pydantic import BaseModel, ValidationError

from features.errors import ConfigError, ModelNotFound
from features.tables import TABLES
from ml import champions
from ml.model import Model
from ml.registry import TASKS
from tests.conftest import Trained
from tests.contract.studies import CONTRACTS, ROWS, alter_later
from training.config import TaskConfig, load_config
from training.study import StudyData, load_data

TASK_PARAMS = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in TASKS]
NOW = 1_622_505_600_000_000_000  # ns
AT = "2021-06-01T00:00:00+00:00"  # NOW as text
SERIES_KEYS = {"store_id", "model"}  # identify series and cells
ANSWER = """
import json, sys
from pathlib import Path
from ml.model import Model
answers = {}
for task in sys.argv[2:]:
    sha256, bodies = json.loads(Path(sys.argv[1], f"{task}.json").read_text())
    model = Model.load(Path(sys.argv[1], task), sha256=sha256)
    ask = model.request()
    requests = [ask.model_validate_json(json.dumps(body)) for body in bodies]
    answers[task] = [a.model_dump_json() for a in model.answers(requests, explain=True)]
print(json.dumps(answers))
"""


@pytest.fixture(params=TASK_PARAMS)
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Model:
    """Return a task's champion."""
    owner: Trained = request.getfixturevalue(request.param)
    monkeypatch.setenv("CHEHANG_HOME", str(owner.home))
    return _champion(request.param)


def _champion(task: str) -> Model:
    champion = champions.champion(task)
    assert champion is not None
    return champions.load(champion)


LOADED: dict[str, StudyData[Any]] = {}


@pytest.fixture
def study(request: pytest.FixtureRequest, model: Model) -> StudyData[Any]:
    """Return the data that the model was trained on, read once per task."""
    task = model.task.name
    if task not in LOADED:
        owner: Trained = request.getfixturevalue(task)
        LOADED[task] = load_data(load_config(task, owner.config))
    return LOADED[task]


def _requests(model: Model, bodies: list[dict[str, Any]]) -> list[BaseModel]:
    ask = model.request()
    return [ask.model_validate_json(json.dumps(body)) for body in bodies]


def test_one_request_equals_the_batch_and_the_predictions_of_training(
    model: Model, study: StudyData[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "time.time_ns", lambda: NOW
    )  # answers that depend on the current time must be equal within the test
    contract = CONTRACTS[type(model.task.problem)]
    bodies, measured = contract.requests(model, study)
    requests = _requests(model, bodies)
    assert len(requests) >= 10
    for explain in (False, True):
        batch = model.answers(requests, explain=explain)
        assert batch == [model.answers([one], explain=explain)[0] for one in requests]
        answered = [contract.value(model, answer) for answer in batch]
        assert len({str(value) for value in answered}) > 1
        if isinstance(measured[0][0] if isinstance(measured[0], list) else measured[0], str):
            assert answered == measured
        else:
            np.testing.assert_allclose(answered, measured, rtol=2e-6, atol=5e-7)


def test_example_is_answered_and_explained(model: Model) -> None:
    ask = model.request()
    answer = model.answers([ask.model_validate_json(json.dumps(model.card["example"]))], explain=True)
    assert isinstance(answer[0], model.task.endpoint.response)
    model.task.endpoint.response.model_validate(answer[0].model_dump())


def test_a_request_with_an_unknown_field_is_refused(model: Model) -> None:
    ask = model.request()
    with pytest.raises(ValidationError, match="nonsense"):
        ask.model_validate_json(json.dumps({**model.card["example"], "nonsense": 1}))


def test_data_at_or_after_a_cut_off_do_not_change_results_before_it(
    model: Model, study: StudyData[Any], tmp_path: Path
) -> None:
    """Later rows are altered and rows are added, in every table with a time column."""
    contract = CONTRACTS[type(study.config.definition.problem)]
    tables = {name: pl.read_parquet(study.config.sources.parent / f"{name}.parquet") for name in study.raw.frames}
    if contract.excluded_columns:
        tables = {name: frame.drop(contract.excluded_columns, strict=False) for name, frame in tables.items()}
        study = _with_tables(study.config, tables, tmp_path / "one")
    cut = contract.cut(study)
    altered = {
        name: alter_later(
            TABLES[name],
            frame,
            cut + (name == "stock"),  # a snapshot describes the period that ends with it
            spine=name == model.task.tables[0] and contract is ROWS,
            identity_columns=contract.identity_columns,
            grows=name not in contract.replaced_tables,
        )
        for name, frame in tables.items()
    }
    timed = {name for name, frame in tables.items() if TABLES[name].time in frame.columns}
    assert timed and {name for name, frame in tables.items() if not frame.equals(altered[name])} == timed
    other = _with_tables(study.config, altered, tmp_path / "two")
    one, two = (contract.state_before(s, cut, study) for s in (study, other))
    for name, value in one.items():
        same = value.equals(two[name]) if isinstance(value, pl.DataFrame) else _same(value, two[name])
        assert same, name


def _with_tables(config: TaskConfig, tables: dict[str, pl.DataFrame], folder: Path) -> StudyData[Any]:
    """Return the study of other tables with the same configuration."""
    folder.mkdir()
    for file in config.sources.parent.glob("*.yaml"):
        sources = yaml.safe_load(file.read_text())
        for name, source in sources.get("tables", {}).items():
            source["columns"] = {c: how for c, how in source.get("columns", {}).items() if c in tables[name].columns}
        (folder / file.name).write_text(yaml.safe_dump(sources))
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return load_data(load_config(config.task, folder / f"{config.task}.yaml"))


def _same(one: Any, other: Any) -> bool:
    return np.array_equal(one, other, equal_nan=True) if isinstance(one, np.ndarray) else bool(one == other)


def test_outcomes_never_are_features(model: Model, study: StudyData[Any]) -> None:
    table = model.task.table
    assert not {*study.feature_names(model.estimator)} & (
        table.outcomes | table.protected | table.references - SERIES_KEYS
    )


@pytest.mark.usefixtures(*TASKS)
def test_artefacts_answer_alike_in_a_fresh_process(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One process serves all tasks, because imports take longer than the requests."""
    here = {}
    for task in TASKS:
        owner: Trained = request.getfixturevalue(task)
        monkeypatch.setenv("CHEHANG_HOME", str(owner.home))
        model = _champion(task)
        bodies = CONTRACTS[type(model.task.problem)].requests(model, load_data(load_config(task, owner.config)))[0][:20]
        bodies = [{**body, "at": AT} for body in bodies] if task == "recommendation" else bodies
        sha256 = model.save(tmp_path / task)
        assert {p.suffix for p in (tmp_path / task).iterdir()} <= {".json", ".txt", ".npz"}
        (tmp_path / f"{task}.json").write_text(json.dumps([sha256, bodies]))
        answers = model.answers(_requests(model, bodies), explain=True)
        here[task] = [answer.model_dump_json() for answer in answers]
        assert len(set(here[task])) > 1
    command = [sys.executable, "-c", ANSWER, str(tmp_path), *TASKS]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(there) == here


def test_changed_artefact_is_refused(model: Model, tmp_path: Path) -> None:
    sha256 = model.save(tmp_path / "model")
    victim = next(p for p in (tmp_path / "model").iterdir() if p.name not in ("manifest.json",))
    victim.write_bytes(victim.read_bytes() + b" ")
    with pytest.raises(ModelNotFound, match="checksum"):
        Model.load(tmp_path / "model", sha256=sha256)
    victim.unlink()
    with pytest.raises(ModelNotFound, match="incomplete"):
        Model.load(tmp_path / "model")


@pytest.mark.parametrize("task", list(TASKS))
def test_shipped_configuration_is_valid_and_refuses_unknown_keys(task: str) -> None:
    shipped = Path(__file__).parents[2] / "configs" / f"{task}.yaml"
    assert load_config(task, shipped).task == task
    with pytest.raises(ConfigError, match="unknown"):
        load_config(task, shipped, settings=["nonsense=1"])


@pytest.mark.spark
@pytest.mark.parametrize("task", TASK_PARAMS)
def test_spark_and_polars_agree(request: pytest.FixtureRequest, task: str, spark: object) -> None:
    owner: Trained = request.getfixturevalue(task)
    config = load_config(task, owner.config)
    tables = CONTRACTS[type(config.definition.problem)].tables
    if tables is None:
        assert task == "fault_rate", "its weekly counts are computed in memory"
        return
    here, there = tables(config, "polars"), tables(config, "spark")
    for name, frame in here.items():
        other = there[name].select(frame.columns).sort(frame.columns).cast(dict(frame.schema))
        assert frame.height > 10 and other.equals(frame.sort(frame.columns)), name
