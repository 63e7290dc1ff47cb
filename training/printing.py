"""Reports for people at a terminal."""

from __future__ import annotations

import sys
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
    for name, found in report.fairness.items():
        ratio = "unknown" if found["approval_ratio"] is None else f"{found['approval_ratio']:.2f}"
        out.print(f"fairness by {name}: lowest approval rate / highest = {ratio}")
    gain = report.baselines.get("gain over the best retriever")
    if gain:
        interval = f"{gain['low']:+.4f} .. {gain['high']:+.4f}"
        out.print(f"gain over the best retriever alone ({gain['of']}): {gain['value']:+.4f} ({interval})")
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
