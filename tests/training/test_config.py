"""Configuration from file, overlays and single values: precedence, and the origin named in errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from tests.conftest import ROOT
from training.config import load_config

FILE = ROOT / "configs" / "credit_risk.yaml"


def test_single_values_override_overlays_and_overlays_override_the_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("split: {seed: 1}\nparams: {points: {base_points: 500}}\nbootstraps: 50")
    second.write_text("split: {seed: 2}\nparams: {target_bad_rate: 1e-2}")
    config = load_config("credit_risk", FILE, overlays=[first, second], settings=["split.seed=3", "refit=true"])
    assert (config.split.seed, config.split.train, config.bootstraps, config.refit) == (3, 0.6, 50, True)
    params = config.params.model_dump()
    assert (params["points"]["base_points"], params["points"]["base_odds"], params["target_bad_rate"]) == (
        500,
        50,
        0.01,
    )
    assert params["boosted_trees"]["num_leaves"] == 8
    assert config.sources == ROOT / "configs" / "sources.yaml"


@pytest.mark.parametrize(
    ("overlay", "settings", "message"),
    [
        (
            "params: {calibratoin: beta}",
            [],
            r"overlay\.yaml: params\.calibratoin: unknown key; did you mean `calibration`",
        ),
        (
            "split: {seed: 1, seed: 2}",
            [],
            r"overlay\.yaml: not valid YAML: line 1, column 18: key `seed` is given twice",
        ),
        (
            "gate: {brierr: {at_most: 1}}",
            [],
            r"overlay\.yaml: gate\.brierr: is not a metric of credit_risk; choose from .*brier",
        ),
        ("time: created_at", [], r"overlay\.yaml: time: must be 'submitted_at', or 'none'"),
        (
            "task: lead_scoring",
            [],
            r"overlay\.yaml: task: must be 'credit_risk', got 'lead_scoring'; pass the configuration of credit_risk",
        ),
        ("split: {train: 0.9}", [], r"overlay\.yaml: split: train \+ calibrate \+ test must add up to 1"),
        ("- a", [], r"overlay\.yaml: must be keys and values"),
        (
            "",
            ["params.boosted_trees.num_leafs=3"],
            r"^--set: params\.boosted_trees\.num_leafs: unknown key; .*`num_leaves`",
        ),
        ("", ["params.points.base_point=3"], r"^--set: params\.points\.base_point: unknown key; .*`base_points`"),
        ("", ["split.seed=1", "split.seed=1"], r"^--set: split\.seed: is given twice"),
        ("", ["params=false"], "^--set: params: must be keys and values"),
        ("", ["params.target_bad_rate="], r"^--set: params\.target_bad_rate: input should be a valid number, got None"),
    ],
)
def test_an_error_names_its_file_or_option(tmp_path: Path, overlay: str, settings: list[str], message: str) -> None:
    (tmp_path / "overlay.yaml").write_text(overlay)
    with pytest.raises(ConfigError, match=message):
        load_config("credit_risk", FILE, overlays=[tmp_path / "overlay.yaml"], settings=settings)


def test_a_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "geheim")
    for setting in ("time=${SECRET}", "task=${SECRET}", "params.calibration=${SECRET}", "split.seed=${SECRET}"):
        with pytest.raises(ConfigError, match=r"got '\$\{SECRET\}'") as raised:
            load_config("credit_risk", FILE, settings=[setting])
        assert "geheim" not in str(raised.value)
