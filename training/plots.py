"""One picture per report: is it calibrated, does it separate, does it drift, what does it look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.pictures import save_figure
from training.studies.row_report import Report


def draw_report(report: Report, path: Path) -> None:
    """Draw a report as a PNG of four panels.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    figure = Figure(figsize=(11, 8), layout="constrained")  # without pyplot: a notebook keeps its own backend
    panels = figure.subplots(2, 2)
    _calibration(panels[0][0], report)
    _bands(panels[0][1], report)
    _months(panels[1][0], report)
    _importance(panels[1][1], report)
    figure.suptitle(f"{report.task}: {report.protocol}", fontsize=9)
    save_figure(figure, path)


def _calibration(axes: Any, report: Report) -> None:
    predicted = [b["predicted"] for b in report.calibration]
    observed = [b["observed"] for b in report.calibration]
    if report.segments.get("path"):
        return _shown_and_wanted(axes, report)
    limit = max(*predicted, *observed, 1e-6) * 1.05
    axes.plot([0, limit], [0, limit], color="0.7", linewidth=1)
    axes.plot(predicted, observed, marker="o")
    error = report.metrics.get("expected_calibration_error", {}).get("value")
    axes.set(title=f"Calibration (error {error:.4f})" if error is not None else "Calibration")
    axes.set(xlabel="predicted", ylabel="observed", xlim=(0, limit), ylim=(0, limit))


def _shown_and_wanted(axes: Any, report: Report) -> None:
    """Of a ranking: does it show each price band as often as it is wanted?"""
    if not report.calibration:
        return _nothing(axes, "Price bands", "no prices")
    places = np.arange(len(report.calibration))
    axes.bar(places - 0.2, [b["predicted"] for b in report.calibration], width=0.4, label="shown")
    axes.bar(places + 0.2, [b["observed"] for b in report.calibration], width=0.4, label="wanted")
    labels = [f"{b['price'] / 10_000:.0f}" for b in report.calibration]
    axes.set(title="Price bands: share shown and wanted", xticks=places, xlabel="10,000 yuan")
    axes.set_xticklabels(labels, fontsize=7)
    axes.legend(fontsize=7)


def _paths(axes: Any, report: Report) -> None:
    """Of a ranking: how good it is by what is known of who asks, beside what needs no model."""
    bars = {name: (v["ndcg_at_10"], v["low"], v["high"]) for name, v in report.segments["path"].items()}
    alone = {n.removesuffix(" alone"): v for n, v in report.baselines.items() if n.endswith(" alone")}
    for place, (value, low, high) in enumerate(bars.values()):
        axes.barh(place, value, xerr=[[max(0.0, value - low)], [max(0.0, high - value)]], color="tab:green")
        axes.annotate(f" {value:.3f}", (high, place), va="center", fontsize=7)
    for place, value in enumerate(alone.values(), start=len(bars)):
        axes.barh(place, value, color="0.7")
        axes.annotate(f" {value:.3f}", (value, place), va="center", fontsize=7)
    axes.set(title="NDCG@10: by what is known, and of each retriever alone", yticks=range(len(bars) + len(alone)))
    axes.set_yticklabels([*bars, *alone], fontsize=7)
    axes.invert_yaxis()


def _nothing(axes: Any, title: str, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", color="0.5")
    axes.set(title=title, xticks=[], yticks=[])


def _bands(axes: Any, report: Report) -> None:
    if report.segments.get("path"):
        return _paths(axes, report)
    bands = report.decisions.get("bands", {})
    if not bands:
        return _segments(axes, report)
    colours = {"approve": "tab:green", "refer": "tab:orange", "decline": "tab:red"}
    for place, (name, band) in enumerate(bands.items()):
        axes.bar(place, band["share"], color=colours[name])
        bad = "none" if band["bad_rate"] is None else f"{band['bad_rate']:.2%}"
        axes.annotate(f"{band['share']:.1%}\nbad {bad}", (place, band["share"]), ha="center", va="bottom")
    axes.set(title="Bands on the test rows", xticks=range(len(bands)), xticklabels=list(bands), ylim=(0, 1.15))


def _segments(axes: Any, report: Report) -> None:
    """Where the answer is an amount: what was predicted and observed, by the first segment of the report."""
    name, values = next(iter(report.segments.items()), ("", {}))
    largest = sorted(values.items(), key=lambda v: -v[1]["rows"])[:10]
    places = range(len(largest))
    axes.bar([p - 0.2 for p in places], [v["predicted"] for _, v in largest], width=0.4, label="predicted")
    axes.bar([p + 0.2 for p in places], [v["observed"] for _, v in largest], width=0.4, label="observed")
    axes.set(title=f"Mean by {name}" if largest else "No segments", xticks=list(places))
    axes.set_xticklabels([k for k, _ in largest], rotation=30, fontsize=7)
    axes.legend(fontsize=7)


def _months(axes: Any, report: Report) -> None:
    if not report.by_month:
        return _nothing(axes, "By month", "the data has no time")
    months = list(report.by_month)
    first = next(iter(report.by_month.values()))
    for name, title in (("ndcg_at_10", "NDCG@10 by month of the question"), ("observed", "Mean demand")):
        if name in first and "psi" not in first:
            axes.bar(months, [m[name] for m in report.by_month.values()], color="tab:blue", label=name)
            if "predicted" in first:
                axes.plot(
                    months, [m["predicted"] for m in report.by_month.values()], "o-", color="k", label="predicted"
                )
                axes.legend(fontsize=7)
            axes.tick_params(axis="x", rotation=60, labelsize=7)
            axes.set(title=title)
            return
    axes.bar(months, [m["psi"] for m in report.by_month.values()], color="tab:blue")
    axes.axhline(0.1, color="tab:orange", linewidth=1, label="0.10 watch")
    axes.axhline(0.25, color="tab:red", linewidth=1, label="0.25 act")
    axes.tick_params(axis="x", rotation=60, labelsize=7)
    axes.set(title="Drift by month (PSI against training)")
    axes.legend(fontsize=7)


def _importance(axes: Any, report: Report) -> None:
    top = sorted(report.importance.items(), key=lambda i: -i[1])[:12][::-1]
    axes.barh([n for n, _ in top], [v for _, v in top], color="tab:purple")
    axes.tick_params(axis="y", labelsize=7)
    axes.set(title="Mean contribution to the answer")
