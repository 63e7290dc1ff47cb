"""Options `--rules` and `--version` of `alarms`, `forecast`, `score` and `promote`; what a missing file leaves out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.commands import chehang
from tests.conftest import ROOT, Trained

NO_ORDERS = (
    "no orders and transfers were planned: order_planning.yaml is neither beside the configuration nor in configs/; "
    "pass --rules"
)


@pytest.fixture
def without_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder whose `configs` is empty; return it."""
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _copy(trained: Trained, folder: Path, **changes: object) -> Path:
    """Copy the data and the configuration of a task, with other keys; return the path of the configuration."""
    shutil.copytree(trained.config.parent, folder)
    path = folder / trained.config.name
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))
    return path


def test_a_forecast_finds_its_rules_beside_the_configuration(demand_forecast: Trained, without_rules: Path) -> None:
    config, home = _copy(demand_forecast, without_rules / "data"), demand_forecast.home
    options = ["-c", str(config), "--version", "1", "--out", "plan.csv"]
    shown = chehang("forecast", *options, home=home)
    assert shown.stdout.splitlines()[-1] == NO_ORDERS
    content = json.loads(chehang("forecast", *options, "--json", home=home).stdout)
    assert (content["orders"], content["rules"]) == (None, None)
    assert content["without_orders"] == NO_ORDERS.partition(": ")[2]

    rules = without_rules / "configs" / "order_planning.yaml"
    for path in (rules, config.with_name("order_planning.yaml")):
        shutil.copy(ROOT / "configs" / "order_planning.yaml", path)
        content = json.loads(chehang("forecast", *options, "--json", home=home).stdout)
        assert content["orders"] > 0 and Path(content["rules"]).resolve() == path
    shown = chehang("forecast", *options, home=home)
    assert shown.stdout.replace("\n", "").endswith(f"orders planned with {config.with_name('order_planning.yaml')}")


@pytest.mark.parametrize("command", ["forecast", "score"])
def test_a_file_of_rules_that_does_not_exist_is_an_error_before_anything_is_written(
    request: pytest.FixtureRequest, without_rules: Path, command: str
) -> None:
    task: Trained = request.getfixturevalue({"forecast": "demand_forecast", "score": "recommendation"}[command])
    options = ["-c", str(task.config), "--version", "1", "--out", "plan.csv", "--rules", "none.yaml"]
    done = chehang(command, *options, home=task.home, check=False)
    message = "error: --rules none.yaml: no such file; give the path of an existing YAML file"
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == message
    assert not list(without_rules.glob("plan*"))


def test_alarms_without_rules_say_what_is_left_out(fault_rate: Trained, without_rules: Path) -> None:
    config, home = _copy(fault_rate, without_rules / "data"), without_rules / "home"
    config.with_name("fault_alarms.yaml").unlink()
    shown = chehang("alarms", "-c", str(config), "--out", "alarms.csv", home=home).stdout
    sentence = (
        "no alarm was stored, the service has no new snapshot, and campaigns have default costs: fault_alarms.yaml is "
        "neither beside the configuration nor in configs/; pass --rules"
    )
    assert shown.splitlines()[-1] == sentence
    content = json.loads(chehang("alarms", "-c", str(config), "--out", "alarms.csv", "--json", home=home).stdout)
    assert content["notes"][-1] == sentence and content["rules"] is None and len(content["alarms"]) == 1
    done = chehang("alarm", "-c", str(config), home=home, check=False)
    assert "error: fault_alarms.yaml is neither beside the configuration" in done.stderr


def test_alarms_of_two_data_sets_with_the_same_rules_have_stores_of_their_own(
    fault_rate: Trained, without_rules: Path
) -> None:
    config, home = _copy(fault_rate, without_rules / "data", name="north"), without_rules / "home"
    content = json.loads(chehang("alarms", "-c", str(config), "--out", "alarms.csv", "--json", home=home).stdout)
    assert content["task"] == "fault_rate.north" and Path(content["rules"]) == config.with_name("fault_alarms.yaml")
    assert (config.parent / "alarms.north.db").exists() and (config.parent / "snapshot.north.npz").exists()
    assert not (config.parent / "alarms.db").exists()
    (alarm,) = json.loads(chehang("alarm", "-c", str(config), "--json", home=home).stdout)
    assert (alarm["model"], alarm["component"]) == ("D", "brakes")


def test_a_version_sets_the_parameters_of_the_alarms(fault_rate: Trained, without_rules: Path) -> None:
    config = _copy(fault_rate, without_rules / "data", params={"reference_weeks": 60, "false_alarm_rate": 1e-30})
    run = ["alarms", "-c", str(config), "--out", "alarms.csv", "--json"]

    def rates(*options: str) -> list[float]:
        content = json.loads(chehang(*run, *options, home=fault_rate.home).stdout)
        assert content["version"] == (1 if options else None)
        return [alarm["rate_ratio"] for alarm in content["alarms"]]

    assert rates() == [] and len(rates("--version", "1")) == 1
    assert rates("--version", "1", "--set", "params.false_alarm_rate=1e-30") == []
    done = chehang(*run, "--version", "7", home=fault_rate.home, check=False)
    assert "fault_rate has no version 7; it has 1" in done.stderr


def test_the_lists_of_a_batch_follow_the_rules(recommendation: Trained, without_rules: Path) -> None:
    config, home = _copy(recommendation, without_rules / "data"), recommendation.home
    options = ["score", "-c", str(config), "--out", "lists.parquet"]
    shown = chehang(*options, home=home).stdout
    assert shown.splitlines()[-1] == (
        "the lists follow no merchandising rules: recommendation_rules.yaml is neither beside the configuration nor in "
        "configs/; pass --rules"
    )
    top = pl.read_parquet("lists.parquet").filter(place=1)["vehicle_id"].mode().first()
    rules = without_rules / "rules.yaml"
    rules.write_text(f"rules: [{{action: bury, where: {{vehicle_id: [{top}]}}}}]")
    content = json.loads(chehang(*options, "--rules", str(rules), "--json", home=home).stdout)
    assert (content["task"], content["version"]) == ("recommendation", 1)
    assert (content["rules"], content["notes"]) == (str(rules), [])
    assert top not in pl.read_parquet("lists.parquet").filter(place=1)["vehicle_id"].to_list()


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["promote", "credit_risk"], "the gate has the limits of the configuration with which the version was trained"),
        (["score", "credit_risk", "--out", "a.csv"], "the predictions of credit_risk depend on no rules"),
    ],
)
def test_rules_that_do_not_apply_are_refused(credit_risk: Trained, command: list[str], reason: str) -> None:
    done = chehang(*command, "--rules", "rules.yaml", home=credit_risk.home, check=False)
    assert done.stderr.splitlines()[-1] == f"error: --rules rules.yaml: {reason}; omit --rules"


@pytest.mark.parametrize("command", ["forecast", "alarms"])
def test_a_command_of_one_task_takes_its_models_alone(tmp_path: Path, command: str) -> None:
    done = chehang(command, "credit_risk.north", "--out", "a.csv", home=tmp_path, check=False)
    assert "error: TASK: must be " in done.stderr and ".north, got 'credit_risk.north'" in done.stderr
