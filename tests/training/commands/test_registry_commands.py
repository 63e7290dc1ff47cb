"""`chehang compare`, `history`, `promote` and `rollback` on a registry whose only version is the champion."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from features.errors import ConfigError, ModelNotFound
from ml.champions import NotPromoted
from ml.registry import TASKS
from tests.commands import chehang
from tests.conftest import Trained
from training.commands.compare import compare
from training.commands.history import history
from training.commands.promote import promote
from training.commands.rollback import rollback


@pytest.fixture
def registry(credit_risk: Trained, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Return the registry of the small lender, which these tests only read."""
    monkeypatch.setenv("CHEHANG_HOME", str(credit_risk.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return credit_risk


@pytest.mark.parametrize("command", [compare, history, promote, rollback])
def test_a_name_that_is_no_task_is_refused(command: Callable[[str], None]) -> None:
    with pytest.raises(ConfigError, match="task 'loans' is unknown"):
        command("loans")


def test_versions_are_compared_with_the_champion_marked(registry: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    compare("credit_risk", as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["version"], row["champion"]) == (1, True)
    assert row["metrics"].keys() >= set(TASKS["credit_risk"].directions)
    assert row["estimator"] and row["data_fingerprint"]
    compare("credit_risk")
    assert "1 *" in capsys.readouterr().out


def test_compare_without_a_version_is_an_error(registry: Trained) -> None:
    done = chehang("compare", "lead_scoring", home=registry.home, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == (
        "error: lead_scoring has no model version yet; make one with: chehang train lead_scoring"
    )


def test_the_history_lists_every_promotion(registry: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    history("credit_risk", as_json=True)
    (move,) = json.loads(capsys.readouterr().out)
    assert (move["action"], move["version"], move["previous"], move["forced"]) == ("promote", 1, None, False)
    history("credit_risk")
    shown = capsys.readouterr().out
    assert "promote" in shown and "(forced)" not in shown and TASKS["credit_risk"].primary_metric in shown


@pytest.mark.parametrize("command", [compare, history, promote, rollback])
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("lead_scoring", "chehang train lead_scoring"),
        ("credit_risk.nroth", "where FILE has `name: nroth` .*; models of credit_risk: credit_risk$"),
    ],
)
def test_a_model_without_a_version_is_an_error_that_names_those_that_exist(
    registry: Trained, command: Callable[[str], None], name: str, remedy: str
) -> None:
    with pytest.raises(ModelNotFound, match=f"^{name} has no model version yet; .*{remedy}"):
        command(name)


def test_a_champion_is_not_promoted_again(registry: Trained) -> None:
    with pytest.raises(NotPromoted, match="credit_risk version 1 is the champion already; train another"):
        promote("credit_risk")
    with pytest.raises(ModelNotFound, match="has no version 7; it has 1"):
        promote("credit_risk", version=7)


def test_a_forced_promotion_needs_a_reason(registry: Trained) -> None:
    with pytest.raises(NotPromoted, match="--force needs --reason"):
        promote("credit_risk", force=True)
    done = chehang("promote", "credit_risk", "--force", home=registry.home, check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("error: --force needs --reason")


def test_the_first_champion_has_no_rollback(registry: Trained) -> None:
    with pytest.raises(ModelNotFound, match="credit_risk has no earlier champion to go back to"):
        rollback("credit_risk", reason="trial")


def test_an_unknown_option_is_a_usage_error(registry: Trained) -> None:
    done = chehang("rollback", "credit_risk", "--version", "1", home=registry.home, check=False)
    assert done.returncode == 2 and "--version" in done.stderr
