"""The commands on the decision log: texts, JSON, exit statuses and refusals."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from features.errors import ConfigError
from serving.audit.opening import BROKEN
from serving.commands.decisions import parse_head
from tests.commands import chehang, chehang_apart
from tests.serving.audit.content import sample_log
from tests.serving.decisions.logs import decision, log_in, write
from tests.serving.decisions.tampering import FILE, OLD_KEYS, mixed_log, tamper

KEYS = ",".join(
    f"{name}:{base64.b64encode(key).decode()}" for name, key in (("new", bytes(range(32))), ("old", bytes(32)))
)


def run(home: Path, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"CHEHANG_LOG_KEYS": KEYS, "CHEHANG_USER": "li.wei", **environment}
    return chehang("decisions", *arguments, home=home, check=check, **environment)


def as_json(home: Path, *arguments: str, **environment: str) -> Any:
    return json.loads(run(home, *arguments, "--json", **environment).stdout)


def test_a_whole_log_is_verified_and_its_last_entry_is_the_next_expectation(tmp_path: Path) -> None:
    mixed_log(tmp_path)
    shown = run(tmp_path, "verify").stdout
    assert (
        "[green]" not in shown
        and "6 entries, 20" in shown
        and "the log is whole" in shown
        and "3 stored, 3 checked, 0 removed" in shown
    )
    expectation = shown.split("--expect ")[1].strip()
    assert "the log is whole" in run(tmp_path, "verify", "--expect", expectation).stdout
    content = as_json(tmp_path, "verify")
    assert content["whole"] and content["fault_count"] == 0
    assert f"{content['last']['sequence']}:{content['last']['hash']}" == expectation


def test_without_the_keys_personal_parts_are_not_checked_and_the_text_says_so(tmp_path: Path) -> None:
    mixed_log(tmp_path)
    assert "none checked: CHEHANG_LOG_KEYS is not set" in run(tmp_path, "verify", CHEHANG_LOG_KEYS="").stdout
    shown = run(tmp_path, "verify", CHEHANG_LOG_KEYS=KEYS.split(",")[1]).stdout
    assert "of the key 'new': 3 not checked, add the key to CHEHANG_LOG_KEYS" in shown


def test_a_broken_log_has_its_own_exit_status_and_names_the_first_entry(tmp_path: Path) -> None:
    path = mixed_log(tmp_path)
    tamper(path, "UPDATE decision_entries SET content = '[]' WHERE sequence >= 5")
    process = run(tmp_path, "verify", check=False)
    assert process.returncode == BROKEN == 3
    assert "the log is broken, first at entry 5 (altered)" in process.stdout and "entry 6 (altered)" in process.stdout
    process = run(tmp_path, "verify", "--json", check=False)
    assert process.returncode == BROKEN
    content = json.loads(process.stdout)
    assert not content["whole"] and [f["sequence"] for f in content["faults"]] == [5, 6]


def test_many_faults_are_counted_at_the_end(tmp_path: Path) -> None:
    write(log_in(tmp_path), [decision(n) for n in range(30)])
    tamper(tmp_path / FILE, "UPDATE decision_entries SET content = '[]'")
    assert "and 10 more" in run(tmp_path, "verify", check=False).stdout


def test_an_expectation_is_a_sequence_and_a_hash(tmp_path: Path) -> None:
    assert parse_head("3:" + "0" * 64) == (3, "0" * 64)
    for text in ("3", "0:" + "0" * 64, "3:abc", "x:" + "0" * 64):
        with pytest.raises(ConfigError, match="--expect: must be SEQUENCE:HASH with 64 hexadecimal digits"):
            parse_head(text)


def test_a_log_that_does_not_exist_is_named_and_not_made(tmp_path: Path) -> None:
    for command in (("verify",), ("purge", "--older-than", "5y")):
        process = run(tmp_path, *command, check=False)
        assert process.returncode == 1
        assert f"{tmp_path / FILE}: there is no decision log; the service makes it" in process.stderr
    assert not (tmp_path / FILE).exists()


def test_a_purge_shows_first_what_it_would_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("time.time_ns", lambda: 1_577_836_800 * 10**9)  # 2020-01-01 08:00 in Shanghai
        write(log_in(tmp_path), [decision(1), decision(2)])
    write(log_in(tmp_path), [decision(3)])
    shown = run(tmp_path, "purge", "--older-than", "2020-01-02", "--dry-run").stdout
    assert "2 personal parts from before 2020-01-02 00:00:00 would be removed (entries 1 to 2)" in shown
    assert as_json(tmp_path, "purge", "--older-than", "2020-01-01", "--dry-run")["parts"] == 0
    result = run(tmp_path, "purge", "--older-than", "5y", "--why", "五年保存期")
    assert "2 personal parts from before 20" in result.stdout and "removed (entries 1 to 2)" in result.stdout
    assert "older backups still have them" in result.stdout and "2 removed" in result.stderr
    entry = log_rows(tmp_path)[-1]
    assert (entry["who"], entry["why"], entry["parts"]) == ("li.wei", "五年保存期", 2)
    assert "the log is whole" in run(tmp_path, "verify").stdout
    assert as_json(tmp_path, "purge", "--older-than", "5y")["parts"] == 0


def log_rows(home: Path) -> list[dict[str, Any]]:
    """Return the contents of all entries."""
    from tests.serving.decisions.logs import rows

    engine = log_in(home)
    contents = [json.loads(entry.content) for entry in rows(engine)]
    engine.dispose()
    return contents


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--older-than", "soon"), "--older-than: must be a day such as 2026-01-31 or an age such as 730d or 5y"),
        (("--older-than", "2999-01-01"), "--older-than 2999-01-01: lies in the future"),
        (("--older-than", "5y", "--timezone", "Mars/Base"), "--timezone: must be the IANA name of a time zone"),
    ],
)
def test_invalid_options_of_a_purge_remove_nothing(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    mixed_log(tmp_path)
    process = run(tmp_path, "purge", *arguments, check=False)
    assert process.returncode == 1 and message in process.stderr
    assert as_json(tmp_path, "verify")["parts"] == 3


@pytest.mark.slow
def test_the_commands_run_as_a_process_of_their_own(tmp_path: Path) -> None:
    mixed_log(tmp_path)
    process = chehang_apart("decisions", "verify", "--json", home=tmp_path, CHEHANG_LOG_KEYS=KEYS)
    assert json.loads(process.stdout)["entries"] == 6
    assert "purge" in chehang_apart("decisions", "--help", home=tmp_path).stdout


def test_entries_are_listed_the_newest_first_and_filtered(tmp_path: Path) -> None:
    sample_log(tmp_path).dispose()
    shown = run(tmp_path, "list").stdout
    assert shown.index("purge") < shown.index("override") < shown.index("credit_risk 1")
    entries = as_json(tmp_path, "list", "--limit", "2", "--kind", "decision", "--store", "S0002", "--to", "2026-01-31")
    assert [entry["decision_id"] for entry in entries] == ["d4", "d3"]
    assert [e["decision_id"] for e in as_json(tmp_path, "list", "--outcome", "refer")] == ["d4"]
    process = run(tmp_path, "list", "--kind", "sale", check=False)
    assert process.returncode == 1 and "--kind: must be one of decision, override, access, purge" in process.stderr


def test_a_decision_is_shown_in_both_languages_and_personal_fields_only_after_their_entry(tmp_path: Path) -> None:
    sample_log(tmp_path).dispose()
    shown = run(tmp_path, "show", "d2").stdout
    assert "预审拒绝" in shown and "declined" in shown and "INCOME_PROVED" in shown and "complaint 17" in shown
    assert "9000" not in shown
    process = run(tmp_path, "show", "d2", "--personal", check=False)
    assert process.returncode == 1 and "needs --who and --why" in process.stderr
    assert len(log_rows(tmp_path)) == 9, "a refused read is no entry"
    reader = ("--personal", "--who", "wang", "--why", "complaint [18]")
    shown = run(tmp_path, "show", "d2", *reader).stdout
    assert '"monthly_income": 9000' in shown and "complaint [18]" in shown
    assert "│ wang " in run(tmp_path, "list").stdout
    entries = as_json(tmp_path, "show", "2", *reader)
    assert entries[0]["personal"]["inputs"]["gender"] == "female"
    assert [entry["kind"] for entry in entries] == ["decision", "override", "access", "access", "access"]
    assert log_rows(tmp_path)[-1]["who"] == "wang"
    assert as_json(tmp_path, "verify")["whole"]


def test_a_decision_that_does_not_exist_is_named(tmp_path: Path) -> None:
    sample_log(tmp_path).dispose()
    process = run(tmp_path, "show", "d99", check=False)
    assert process.returncode == 1 and "the log has no decision or entry 'd99'" in process.stderr


def test_an_export_has_a_manifest_and_personal_fields_by_request_alone(tmp_path: Path) -> None:
    sample_log(tmp_path).dispose()
    out = tmp_path / "out" / "january.jsonl"
    content = as_json(tmp_path, "export", "--out", str(out), "--from", "2026-01-01", "--to", "2026-01-31")
    manifest = json.loads(Path(content["manifest"]).read_text())
    assert (manifest["rows"], manifest["first"]["sequence"], manifest["last"]["sequence"]) == (4, 1, 4)
    assert manifest["log_end"]["sequence"] == 9 and not manifest["personal"]
    assert manifest["selection"]["period"] == "2026-01-01 – 2026-01-31 (Asia/Shanghai)"
    assert "gender" not in out.read_text()
    text = run(tmp_path, "export", "--out", str(out), "--personal", "--who", "wang", "--why", "request").stdout
    assert "9 entries written to" in text and '"gender":"female"' in out.read_text()
    assert log_rows(tmp_path)[-1]["fields"] == "all"
    process = run(tmp_path, "export", "--out", "a.parquet", check=False)
    assert process.returncode == 1 and "must end in .csv, .xlsx or .jsonl" in process.stderr


def test_parts_of_an_older_key_are_encrypted_anew(tmp_path: Path) -> None:
    write(log_in(tmp_path), [decision(1), decision(2)], keys=OLD_KEYS)
    new = KEYS.split(",")[0]
    shown = run(tmp_path, "rekey", CHEHANG_LOG_KEYS=new).stdout
    assert "0 personal parts encrypted by the key 'new'" in shown and "2 stay as they are" in shown
    shown = run(tmp_path, "rekey").stdout
    assert "2 personal parts encrypted" in shown and "no part needs another key" in shown
    assert as_json(tmp_path, "verify", CHEHANG_LOG_KEYS=new)["verified_parts"] == 2
    assert as_json(tmp_path, "rekey") == {"key": "new", "parts": 0, "unreadable": 0}
    process = run(tmp_path, "rekey", check=False, CHEHANG_LOG_KEYS="")
    assert process.returncode == 1 and "CHEHANG_LOG_KEYS: is not set; put the new key before" in process.stderr
