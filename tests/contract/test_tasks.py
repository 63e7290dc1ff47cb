"""What every task of the registry owes; a new task adds a fixture of its own name and gets these free."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from features.engines import collect
from features.errors import ConfigError, ModelNotFound
from features.tables import TABLES
from ml.model import Model
from ml.registry import TASKS
from ml.signature import row_as_request
from tests.conftest import Trained
from tests.small.lead_scoring import lead_history
from training import tracking
from training.config import load_config
from training.examples import Examples, load_examples

EVERY = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in TASKS]
BY_ROWS = [p for p in EVERY if TASKS[str(p.values[0])].outcome in ("binary", "amount")]


@pytest.fixture(params=EVERY)
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A task's promoted model."""
    owner: Trained = request.getfixturevalue(request.param)
    monkeypatch.setenv("CHEHANG_HOME", str(owner.home))
    champion = tracking.champion(request.param)
    assert champion is not None
    return tracking.load(champion)


@pytest.fixture(params=BY_ROWS)
def subject(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Model, Examples]:
    """A task's promoted model and the examples it was trained from."""
    owner: Trained = request.getfixturevalue(request.param)
    monkeypatch.setenv("CHEHANG_HOME", str(owner.home))
    champion = tracking.champion(request.param)
    assert champion is not None
    return tracking.load(champion), load_examples(load_config(request.param, owner.config))


def bodies_of(rows: pl.DataFrame, examples: Examples) -> list[dict[str, Any]]:
    """What a caller would send for some rows: their own fields and, where features come from other rows, those."""
    bodies = [row_as_request(row, examples.signature) for row in rows.to_dicts()]
    if "events" in examples.raw.frames:
        for body, row in zip(bodies, rows.to_dicts(), strict=True):
            body |= lead_history(row, examples.raw.frames)
    return bodies


def test_one_request_equals_the_batch(subject: tuple[Model, Examples]) -> None:
    model, examples = subject
    rows = examples.frame[examples.parts["test"]][:50]
    batch = model.estimator.predict(rows).to_series(0).to_numpy()
    ask = model.task.request(model.estimator.signature)
    bodies = bodies_of(rows, examples)
    asked = [ask.model_validate_json(json.dumps(body)) for body in bodies]
    answers = [model.task.respond(model.estimator, [a], explain=False)[0] for a in asked]
    single = np.array(
        [next(iter(a.model_dump(include={model.estimator.predict(rows[:1]).columns[0]}).values())) for a in answers]
    )
    np.testing.assert_allclose(single, batch, atol=5e-7)


def test_example_is_answered_and_explained(model: Model) -> None:
    ask = model.task.request(model.estimator.signature)
    answer = model.task.respond(
        model.estimator, [ask.model_validate_json(json.dumps(model.card["example"]))], explain=True
    )
    assert isinstance(answer[0], model.task.response)
    model.task.response.model_validate(answer[0].model_dump())


def test_request_refuses_what_it_does_not_know(model: Model) -> None:
    ask = model.task.request(model.estimator.signature)
    with pytest.raises(ValidationError, match="nonsense"):
        ask.model_validate_json(json.dumps({**model.card["example"], "nonsense": 1}))


def test_nothing_at_or_after_as_of_moves_a_feature(subject: tuple[Model, Examples]) -> None:
    """Rows of other moments are altered at and after the middle: features of the spine before it must not move."""
    model, examples = subject
    task, table = model.task, model.task.table
    raw = {n: f.collect() for n, f in examples.raw.frames.items()}
    middle = int(examples.frame["as_of"].median())  # type: ignore[arg-type]
    altered = dict(raw)
    for name, frame in raw.items():
        time = TABLES[name].time
        if time in frame.columns and (name == table.name or name in task.also):
            numbers = [c for c, t in frame.schema.items() if t.is_numeric() and c != time]
            later = pl.col(time) >= middle
            altered[name] = frame.with_columns(pl.when(later).then(pl.col(c) + 1).otherwise(pl.col(c)) for c in numbers)
    spine = examples.frame.filter(pl.col("as_of") < middle).select(*table.key, "as_of").lazy()

    def built(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
        frames: dict[str, Any] = {n: nw.from_native(f.lazy()) for n, f in tables.items()}
        return collect(task.features(nw.from_native(spine), frames)).sort(*table.key, "as_of")

    assert built(raw).equals(built(altered))


def test_outcomes_never_are_features(subject: tuple[Model, Examples]) -> None:
    model, examples = subject
    read = {*examples.signature.numeric, *examples.signature.categorical}
    barred = model.task.table.outcomes | model.task.table.protected | model.task.table.references
    assert not read & barred


def test_artefact_answers_alike_in_a_fresh_process(subject: tuple[Model, Examples], tmp_path: Path) -> None:
    model, examples = subject
    sha256 = model.save(tmp_path / "model")
    rows = examples.frame[:20]
    rows.write_parquet(tmp_path / "rows.parquet")
    code = (
        "import sys, json, polars as pl; from pathlib import Path; from ml.model import Model; "
        "m = Model.load(Path(sys.argv[1]), sha256=sys.argv[3]); "
        "print(json.dumps(m.estimator.predict(pl.read_parquet(sys.argv[2])).to_series(0).to_list()))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model"), str(tmp_path / "rows.parquet"), sha256]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == model.estimator.predict(rows).to_series(0).to_list()
    names = {p.suffix for p in (tmp_path / "model").iterdir()}
    assert names <= {".json", ".txt", ".npz"}


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
def test_spark_and_polars_agree(subject: tuple[Model, Examples], spark: object) -> None:
    _, examples = subject
    again = load_examples(examples.config, engine="spark")
    assert again.frame.select(examples.frame.columns).equals(examples.frame)
