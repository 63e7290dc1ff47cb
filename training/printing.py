"""Reports for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

out = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
err = Console(stderr=True, highlight=False)


def print_notes(notes: Any) -> None:
    """Print what a reader must know, apart from the figures."""
    for note in notes:
        err.print(f"[yellow]note:[/yellow] {note}")


def shown(value: float | None) -> str:
    """A figure with four decimals; nothing where there is none."""
    return "" if value is None else f"{value:.4f}"


def print_report(report: Any) -> None:
    """Print the metrics of a report, and what stands beside them."""
    out.print(f"[bold]{report.task}[/bold]: {report.protocol}")
    table = Table("metric", "value", "95 % interval", "naive")
    for name, m in report.metrics.items():
        table.add_row(name, f"{m['value']:.4f}", f"{m['low']:.4f} .. {m['high']:.4f}", shown(m["naive"]))
    out.print(table)
    plain = report.baselines.get("logistic_regression")
    if plain:
        name, found = next(iter(plain.items()))
        interval = f"{found['low']:+.4f} .. {found['high']:+.4f}"
        out.print(f"gain over logistic regression ({name} {found['value']:.4f}): {found['gain']:+.4f} ({interval})")
    cells = report.expected_against_actual
    for column in dict.fromkeys(c["column"] for c in cells):
        own = [c for c in cells if c["column"] == column]
        share = sum(c["within"] for c in own) / len(own)
        out.print(f"expected against actual by {column} and month: {share:.0%} of {len(own)} within what chance allows")
    best = report.baselines.get("best_single_column")
    if best:
        out.print(f"best single column: {best['column']} (AUC {best['roc_auc']:.4f})")
    for name, band in report.decisions.get("bands", {}).items():
        bad = "none" if band["bad_rate"] is None else f"{band['bad_rate']:.2%}"
        out.print(f"{name}: {band['share']:.1%} of {report.rows['test']['rows']:,} test rows, bad rate {bad}")
    for found in report.decisions.get("power", ()):
        weeks = "more than 104 weeks" if found["median_weeks"] is None else f"{found['median_weeks']:.0f} weeks"
        out.print(
            f"{found['rate_ratio']:g} times the usual rate is known in {weeks} (median), in half a year "
            f"{found['known_in_26_weeks']:.0%} of the time, at {found['expected_weekly']:.2f} expected a week"
        )
    orders = report.decisions.get("orders")
    if orders:
        table = Table("way of ordering", f"cost ({orders['unit']})", "over the product", "95 %", "met", "stock")
        for name, w in orders["ways"].items():
            interval = f"{w['low']:.2f} .. {w['high']:.2f}"
            figures = (f"{w['cost']:,.1f}", f"{w['over_product']:.2f}", interval, f"{w['fill_rate']:.1%}")
            table.add_row(name, *figures, f"{w['mean_stock']:.2f}")
        out.print(table)
        out.print(f"a series and period; {orders['rules']}")
    for name, classes in report.segments.items():
        for value, numbers in classes.items():
            if "coverage_80" in numbers:
                low, high = numbers["coverage_80_low"], numbers["coverage_80_high"]
                out.print(
                    f"{name} {value}: 80 % interval holds {numbers['coverage_80']:.1%} ({low:.1%} .. {high:.1%}), loss "
                    f"{numbers['weighted_quantile_loss']:.4f}, {numbers['rows']:,} outcomes"
                )
    for value, numbers in report.segments.get("level", {}).items():
        out.print(
            f"totals by {value}: off by {numbers['weighted_absolute_error']:.1%}, 80 % interval holds "
            f"{numbers['interval_80_holds']:.1%} of {numbers['rows']:,}"
        )
    for name, found in report.fairness.items():
        ratio = "unknown" if found["approval_ratio"] is None else f"{found['approval_ratio']:.2f}"
        out.print(f"fairness by {name}: lowest approval rate / highest = {ratio}")
    for name, gain in report.baselines.items():
        if name.startswith("gain over"):
            interval = f"{gain['low']:+.4f} .. {gain['high']:+.4f}"
            out.print(f"{name} alone ({gain['of']}): {gain['value']:+.4f} ({interval})")
    for name, value in report.baselines.items():
        if isinstance(value, float):
            out.print(f"{name}: {value:.4f}")
    for name, ways in report.segments.items():
        for way, numbers in ways.items():
            if "ndcg_at_10" in numbers:
                interval = f"{numbers['low']:.4f} .. {numbers['high']:.4f}"
                out.print(
                    f"{name} {way}: NDCG@10 {numbers['ndcg_at_10']:.4f} ({interval}), {numbers['rows']:,} questions"
                )
    drift = {m: found["psi"] for m, found in report.by_month.items() if "psi" in found}
    worst = max(drift.items(), key=lambda m: m[1], default=None)
    if worst:
        out.print(f"largest monthly PSI: {worst[1]:.3f} in {worst[0]}")
    print_notes(report.notes)


def print_folds(found: Any) -> None:
    """Print a cross-validation."""
    out.print(f"{found.protocol}, {found.rows:,} rows tested")
    table = Table("metric", "mean of folds", "all rows", "95 % interval", "naive")
    for name, m in found.pooled.items():
        interval = f"{m['low']:.5f} .. {m['high']:.5f}"
        table.add_row(name, f"{found.mean[name]:.5f}", f"{m['value']:.5f}", interval, shown(m["naive"]))
    out.print(table)


def print_versions(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> None:
    """Print the metrics of versions side by side."""
    table = Table("version", "created", "estimator", "data", *metrics)
    for row in rows:
        mark = " *" if row["champion"] else ""
        figures = [f"{row['metrics'].get(n, float('nan')):.4f}" for n in metrics]
        created = row["created"].strftime("%Y-%m-%d %H:%M")
        table.add_row(
            f"{row['version']}{mark}", created, row.get("estimator", ""), row.get("data_fingerprint", "")[:8], *figures
        )
    out.print(table)
    out.print("* champion. Another data fingerprint means other test rows: promote compares on the same rows.")


def print_checked(content: Mapping[str, Any]) -> None:
    """Print what a training would see."""
    table = Table("table", "read", "kept", "quarantined", "rules broken")
    for name, r in content["tables"].items():
        rules = ", ".join(f"{k} ({v:,})" for k, v in r["rules"].items())
        table.add_row(name, f"{r['read']:,}", f"{r['kept']:,}", f"{r['quarantined']:,}", rules)
    out.print(table)
    for name, part in content["examples"].items():
        out.print(f"{name}: " + ", ".join(f"{value:,} {what}" for what, value in part.items()))
    out.print(f"numeric: {', '.join(content['numeric'])}")
    out.print(f"categorical: {', '.join(content['categorical'])}")
    print_leaks(content.get("leaks", ()))
    print_notes(content["notes"])


def print_leaks(findings: Sequence[Mapping[str, Any]]) -> None:
    """Print the columns that seem to know the outcome, with the evidence."""
    if not findings:
        return
    colours = {"leak": "red", "suspect": "yellow"}
    table = Table("column", "verdict", "evidence", title="columns that seem to know the outcome")
    for f in findings:
        verdict = f"[{colours[f['verdict']]}]{f['verdict']}[/]" + (" (acknowledged)" if f["acknowledged"] else "")
        table.add_row(f["column"], verdict, "\n".join(e["text"] for e in f["evidence"]))
    out.print(table)
    if any(f["verdict"] == "leak" and not f["acknowledged"] for f in findings):
        out.print("training refuses leaks: leave them out, or list them under acknowledged_leaks if known in time")


def print_values(found: Any) -> None:
    """Print how customers were valued, by stream."""
    for name, content in found.as_dict().items():
        table = Table("model", "held-out error (purchases)", "predicted / actual total", title=f"{name}")
        for model, held in content["held_out"].items():
            mark = " *" if model == content["chosen"] else ""
            table.add_row(f"{model}{mark}", f"{held['mean_absolute_error']:.4f}", f"{held['total']:.3f}")
        out.print(table)
        out.print(
            f"{name}: {content['total_purchases']:,.0f} purchases worth {content['total_value']:,.0f} yuan in "
            f"{content['horizon_days']:g} days (sum of customers corrected by {content['correction']:.3f}, as held out)"
        )


def print_plan(plan: Any) -> None:
    """Print the totals ahead, and the largest orders."""
    total = plan.forecasts.filter(level="everything")
    table = Table("period", "expected", "80 % interval", title="everything")
    for row in total.iter_rows(named=True):
        table.add_row(row["period"], f"{row['mean']:,.1f}", f"{row['p10']:,.0f} .. {row['p90']:,.0f}")
    out.print(table)
    if plan.orders is None:
        out.print(f"no orders: {plan.without_orders}")
        return
    columns = ("store_id", "model", "on_hand", "on_order", "order_up_to", "transfer_in", "transfer_out", "order")
    table = Table(*columns, title="the largest orders")
    for row in (
        plan.orders.orders.sort("order", "store_id", "model", descending=[True, False, False]).head(12).to_dicts()
    ):
        table.add_row(*(str(row[c]) for c in columns))
    out.print(table)
    moved = int(plan.orders.transfers["quantity"].sum()) if plan.orders.transfers.height else 0
    out.print(
        f"{int(plan.orders.orders['order'].sum()):,} cars to order, {moved:,} to move between stores; worth "
        f"{plan.orders.gain:,.0f} yuan over doing nothing"
    )


def print_alarms(found: Any) -> None:
    """Print the alarms, the strongest first, what calling vehicles in brings, and how many cells were watched."""
    cells = found.watch.cells.height
    if found.alarms.is_empty():
        out.print(f"no alarm in {cells:,} components of models")
        return print_notes(found.notes)
    table = Table("model", "component", "known since", "built", "faults", "expected", "rate ratio", "90 % interval")
    for row in found.alarms.to_dicts():
        built = "all alike" if row["built_from"] is None else f"{row['built_from']} .. {row['built_until']}"
        ratio, limits = f"{row['rate_ratio']:.2f}", f"{row['low']:.2f} .. {row['high']:.2f}"
        numbers = (f"{row['count']:,}", f"{row['expected']:,.1f}", ratio, limits)
        table.add_row(row["model"], row["component"], str(row["known_since"]), built, *numbers)
    out.print(table)
    table = Table("alarm", "state", "vehicles", "faults to come", "avoided", "90 % interval", "parts", "cost", "avoids")
    for row in [r for r in found.alarms.to_dicts() if r["vehicles"] is not None]:
        yuan = ["unknown" if row[n] is None else f"{row[n]:,.0f} yuan" for n in ("campaign_cost", "avoided_cost")]
        table.add_row(
            str(row["alarm_id"] or ""), row["state"] or "", f"{row['vehicles']:,}", f"{row['faults_to_come']:,.0f}",
            f"{row['faults_avoided']:,.0f}", f"{row['avoided_low']:,.0f} .. {row['avoided_high']:,.0f}",
            f"{row['parts_to_stock']:,}", *yuan,
        )  # fmt: skip
    if table.row_count:
        out.print(table)
    out.print(f"{found.alarms.height:,} alarms in {cells:,} components of models")
    print_notes(found.notes)


def print_kept_alarms(kept: Any) -> None:
    """Print the alarms of the store."""
    from ml.instants import instant

    table = Table("alarm", "model", "component", "state", "opened", "known since", "rate ratio")
    for row in kept.to_dicts():
        opened = str(instant(row["opened_at"]).date())
        figures = (opened, str(row["known_since"]), f"{row['rate_ratio']:.2f}")
        table.add_row(str(row["id"]), row["model"], row["component"], row["state"], *figures)
    out.print(table if kept.height else "no alarm is kept; write them with: chehang alarms --out alarms.parquet")


def print_alarm_history(number: int, history: Any) -> None:
    """Print who moved an alarm, when, from where to where, and why."""
    from ml.instants import instant

    table = Table("when", "by", "from", "to", "note", title=f"alarm {number}")
    for row in history.to_dicts():
        when = instant(row["at"]).isoformat(sep=" ", timespec="minutes")
        table.add_row(when, row["by"] or "", row["from_state"] or "", row["to_state"], row["note"] or "")
    out.print(table)


def print_service_due(found: Any) -> None:
    """Print the first vehicles to remind, and how many there are."""
    table = Table("vehicle", "model", "last service", "due", "80 % interval", "by", "km now", "likely to come")
    for row in found.due.head(10).to_dicts():
        last = "never seen" if row["last_service_on"] is None else str(row["last_service_on"])
        interval = f"{row['due_low']} .. {row['due_high']}"
        km = "" if row["km_now"] is None else f"{row['km_now']:,.0f}"
        table.add_row(
            row["vehicle_id"], row["model"], last, str(row["due_on"]), interval, row["by"], km, str(row["visit_on"])
        )
    out.print(table)
    out.print(f"{found.due.height:,} vehicles to remind, of {found.all.vehicles.height:,} in service on {found.at:%F}")
    print_notes(found.all.notes)
