"""`chehang reactivation`: the leads to take up again, in a file and in words."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from chehang.cli import COMMANDS
from tests.commands import chehang
from tests.conftest import Trained
from tests.small.lead_scoring import write_with_last_contact
from training.commands.reactivation import reactivation


def test_the_command_writes_the_leads_and_prints_their_number_and_sales(tmp_path: Path, lead_scoring: Trained) -> None:
    assert COMMANDS["reactivation"].module == reactivation.__module__
    config, out = write_with_last_contact(tmp_path / "data"), tmp_path / "again.csv"
    arguments = ("reactivation", "-c", str(config), "--out", str(out), "--as-of", "2022-05-01T00:00+00:00")
    content = json.loads(chehang(*arguments, "--json", home=lead_scoring.home).stdout)
    assert content["leads"] == content["never_called"] + content["quiet"] + content["closed"] == pl.read_csv(out).height
    assert 0 < content["expected_sales"] < content["leads"] and content["contacted_later"] >= 0
    shown = chehang(*arguments, home=lead_scoring.home).stdout
    assert f"{content['leads']} leads to take up again" in shown


def test_the_configuration_of_another_task_is_refused(tmp_path: Path, credit_risk: Trained) -> None:
    arguments = ("reactivation", "-c", str(credit_risk.config), "--out", str(tmp_path / "again.csv"))
    refused = chehang(*arguments, home=credit_risk.home, check=False)
    assert refused.returncode != 0 and "is of the task credit_risk" in refused.stderr
