"""Print reports and results as tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from features.plurals import count_text
from ml.terminal import err, out

if TYPE_CHECKING:
    from ml.report.report import Report


def print_notes(notes: Any) -> None:
    """Print notes on standard error, each on a line.

    Parameters
    ----------
    notes : iterable of str
        Such as the `notes` of an `ml.report.report.Report`.

    Examples
    --------
    >>> print_notes(["3 rows left out: the outcome is not observed yet"])
    """
    for note in notes:
        err.print(Text.assemble(("note:", "yellow"), f" {note}"))


def print_report(report: Report) -> None:
    """Print the sections of a report on standard output and its notes on standard error.

    Parameters
    ----------
    report : Report
        As returned by `training.study.StudyData.evaluate`, or ``training.train.train(config).report``.

    Examples
    --------
    >>> from ml.report.report import Report
    >>> from ml.report.sections import Metric
    >>> from training.studies.measures import metrics_section
    >>> section = metrics_section([Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5)])
    >>> print_report(Report(task="credit_risk", protocol="in time order", sections=(section,)))
    credit_risk: in time order...0.7500...
    """
    from ml.report.text import text_of

    for part in text_of(report):
        out.print(part)
    print_notes(report.notes)


def print_versions(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> None:
    """Print a table with the metrics of model versions, a row for each version.

    Parameters
    ----------
    rows : sequence of mapping
        Of each version (`ml.champions.Version`): `version` (number), `champion` (bool), `created` (datetime),
        `metrics` (float by name; a missing one is printed as nan) and, if present, the tags `estimator` and
        `data_fingerprint`.
    metrics : sequence of str
        Names of the metrics to print, such as the keys of `ml.registry.TASKS[task].directions`.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    >>> row = {"version": 1, "champion": True, "created": at, "metrics": {"roc_auc": 0.7}}
    >>> print_versions([row], ["roc_auc"])
    ┏...1 *     │ 2024-05-06 07:08 │...0.7000...
    """
    table = Table("version", "created", "estimator", "data", *metrics)
    for row in rows:
        mark = " *" if row["champion"] else ""
        figures = [f"{row['metrics'].get(n, float('nan')):.4f}" for n in metrics]
        created = row["created"].strftime("%Y-%m-%d %H:%M")
        table.add_row(
            f"{row['version']}{mark}", created, row.get("estimator", ""), row.get("data_fingerprint", "")[:8], *figures
        )
    out.print(table)
    out.print(
        "* champion. Metrics of versions with different data fingerprints come from different test rows; "
        "chehang promote compares two versions on the same test rows."
    )


def print_checked(content: Mapping[str, Any]) -> None:
    """Print the output of `chehang check`: tables, broken rules, keys, parts, features, suspected leaks and notes.

    Parameters
    ----------
    content : mapping
        The JSON content of `chehang check`: `tables` (by name: `read`, `valid` and `quarantined` rows, `notes`, and
        `rules`, by broken rule: `rows`, `title`, `example` and `remedy`), `key_matches` (list of
        `features.sources.key_matches.KeyMatch.as_dict()`), `notes` (list of str), and the keys of
        `training.studies.fitted.DataSummary`, as returned by `StudyData.describe`.
    """
    table = Table("table", "rows read", "valid", "quarantined")
    for name, r in content["tables"].items():
        table.add_row(name, f"{r['read']:,}", f"{r['valid']:,}", f"{r['quarantined']:,}")
    out.print(table)
    for name, r in content["tables"].items():
        for note in r["notes"]:
            out.print(f"{name}: {note}", soft_wrap=True)
        for rule in r["rules"].values():
            out.print(f"{name}: {_rule_text(rule)}", soft_wrap=True)
    print_key_matches(content["key_matches"])
    for name, part in content["examples"].items():
        out.print(f"{name}: " + ", ".join(f"{value:,} {what}" for what, value in part.items()))
    out.print(f"numeric features: {', '.join(content['numeric'])}")
    out.print(f"categorical features: {', '.join(content['categorical'])}")
    print_leaks(content["leaks"])
    print_notes(content["notes"])


def _rule_text(rule: Mapping[str, Any]) -> str:
    example = f", for example {rule['example']}" if rule["example"] else ""
    remedy = f"; {rule['remedy']}" if rule["remedy"] else ""
    return f"{rule['title']} in {count_text(rule['rows'], 'row')}{example}{remedy}"


def print_key_matches(matches: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of the references between tables, with the numbers of rows that have a partner and that have none.

    Parameters
    ----------
    matches : sequence of mapping
        Of each reference, as `features.sources.key_matches.KeyMatch.as_dict` returns it.

    Examples
    --------
    >>> print_key_matches([])  # prints nothing
    >>> names = {"table": "events", "column": "vehicle_id", "other_table": "vehicles", "examples": ["9"]}
    >>> counts = {"rows": 4, "unmatched_rows": 1, "unmatched_keys": 1, "quarantined_rows": 0, "filtered_rows": 0}
    >>> print_key_matches([names | counts])  # doctest: +NORMALIZE_WHITESPACE
    rows with and without a partner in another table
    ┏...events.vehicle_id │ vehicles │ 3 │ 1 (25.0%) │ 1 │...9...
    """
    if not matches:
        return
    names = ("keys", "of", "rows with", "rows without", "keys without", "quarantined", "filtered", "such as")
    table = Table(*names, title="rows with and without a partner in another table")
    for m in matches:
        share = f" ({m['unmatched_rows'] / m['rows']:.1%})" if m["unmatched_rows"] else ""
        table.add_row(
            f"{m['table']}.{m['column']}", m["other_table"], f"{m['rows'] - m['unmatched_rows']:,}",
            f"{m['unmatched_rows']:,}{share}", f"{m['unmatched_keys']:,}", f"{m['quarantined_rows']:,}",
            f"{m['filtered_rows']:,}", ", ".join(m["examples"]),
        )  # fmt: skip
    out.print(table)


def print_leaks(findings: Sequence[Mapping[str, Any]] | None) -> None:
    """Print the columns that may leak the outcome, with the evidence, or that the values give no sign of a leak.

    Parameters
    ----------
    findings : sequence of Leak, or None
        `load_data(config).describe()["leaks"]`, with `load_data` of `training.study`: `column`, `verdict` ('leak' or
        'suspect'), `acknowledged` (bool) and `evidence` (list of mappings, each with a `text`). None, for a task whose
        columns are not tested, prints nothing.

    Examples
    --------
    >>> print_leaks([])
    leak check: the values give no sign that a column leaks the outcome...
    >>> evidence = [{"text": "equals the outcome in every row"}]
    >>> leak = {"column": "x", "verdict": "leak", "acknowledged": False, "evidence": evidence}
    >>> print_leaks([leak])  # doctest: +SKIP
    """
    if findings is None:
        return
    if not findings:
        text = "leak check: the values give no sign that a column leaks the outcome"
        return out.print(f"{text}; exclude columns that are recorded after it with exclude_features", soft_wrap=True)
    colours = {"leak": "red", "suspect": "yellow"}
    table = Table("column", "verdict", "evidence", title="columns that may leak the outcome")
    for f in findings:
        verdict = Text.assemble((f["verdict"], colours[f["verdict"]]), " (acknowledged)" if f["acknowledged"] else "")
        table.add_row(f["column"], verdict, "\n".join(e["text"] for e in f["evidence"]))
    out.print(table)
    if any(f["verdict"] == "leak" and not f["acknowledged"] for f in findings):
        out.print(
            "training stops at a leak: remove the column with exclude_features, or list it under acknowledged_leaks if "
            "its value is known at prediction time"
        )


def print_values(valuation: Any) -> None:
    """Print the hold-out errors of the models and the expected purchases and value of each stream.

    Parameters
    ----------
    valuation : CustomerValuation
        As returned by ``training.runs.customer_value.value(config, out=Path("values.csv"))``.
    """
    for name, content in valuation.as_dict().items():
        table = Table(
            "model", "mean absolute error on the hold-out (purchases)", "predicted / actual total", title=name
        )
        for model, error in content["holdout_errors"].items():
            mark = " *" if model == content["model"] else ""
            table.add_row(f"{model}{mark}", f"{error['mean_absolute_error']:.4f}", f"{error['total_ratio']:.3f}")
        out.print(table)
        out.print(
            f"{name}: {content['total_purchases']:,.0f} purchases worth {content['total_value']:,.0f} yuan expected "
            f"within {content['horizon_days']:g} days (sum over customers, times a correction of "
            f"{content['correction']:.3f} estimated on the hold-out)"
        )
        if content["rows_without_customer"]:
            print_notes([f"{name}: {count_text(content['rows_without_customer'], 'row')} without a customer left out"])


def print_stored_alarms(alarms: Any, *, timezone: str) -> None:
    """Print the alarms of the alarm store.

    Parameters
    ----------
    alarms : DataFrame
        As returned by `ml.fault_rate.alarm_store.AlarmStore.alarms`; may be empty.
    timezone : str
        IANA name of the time zone of the dates.
    """
    from ml.instants import local_day

    table = Table("alarm", "model", "component", "state", "opened", "detected on", "rate ratio")
    for row in alarms.to_dicts():
        figures = (str(local_day(row["opened_at"], timezone)), str(row["detected_on"]), f"{row['rate_ratio']:.2f}")
        table.add_row(str(row["id"]), row["model"], row["component"], row["state"], *figures)
    out.print(table if alarms.height else "the alarm store is empty; fill it with: chehang alarms --out alarms.parquet")


def print_alarm_history(number: int, history: Any, *, timezone: str, what: str = "alarm") -> None:
    """Print every change of state of an alarm or a report: when, by whom, from which state to which, and the note.

    Parameters
    ----------
    number : int
        Number of the alarm in the store.
    history : DataFrame
        As returned by `ml.fault_rate.alarm_store.AlarmStore.history`.
    timezone : str
        IANA name of the time zone of the moves.
    what : str
        Word before the number.
    """
    from zoneinfo import ZoneInfo

    from ml.instants import instant

    table = Table("when", "by", "from", "to", "note", title=f"{what} {number}")
    for row in history.to_dicts():
        when = f"{instant(row['at']).astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
        table.add_row(when, row["by"] or "", row["from_state"] or "", row["to_state"], row["note"] or "")
    out.print(table)
