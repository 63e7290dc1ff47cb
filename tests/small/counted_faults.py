"""Small tables of counted faults: complaints, monthly counts with sales, and warranty claims; one pair is raised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

MODELS = ("甲车型", "乙车型", "丙车型")
COMPONENTS = {"制动系统": 6.0, "电池": 9.0, "转向系统": 3.0}
MONTHS = [f"{y}-{m:02d}" for y in (2022, 2023, 2024) for m in range(1, 13)]
FAULT_RATE = "task: fault_rate\nsources: sources.yaml\ntime: serviced_at\nparams: {reference_weeks: 52}\n"


def _raised(model: str, component: str, month: int) -> float:
    return 4.0 if (model, component) == ("甲车型", "制动系统") and month >= 18 else 1.0


def write_complaints(folder: Path) -> Path:
    """Write a file of complaints, one row each: model year, component, dates, flags; 2022 of one model is raised."""
    rng = np.random.default_rng(1)
    rows = []
    for model in MODELS:
        for year in (2020, 2021, 2022):
            for component, mean in COMPONENTS.items():
                for month in range(len(MONTHS)):
                    ratio = _raised(model, component, month) if year == 2022 else 1.0
                    for _ in range(rng.poisson(mean / 3 * ratio)):
                        day = int(rng.integers(1, 29))
                        rows.append((model, year, component, f"{MONTHS[month].replace('-', '')}{day:02d}", "N"))
    columns = ["MAKETXT MODEL", "YEARTXT", "COMPDESC", "LDATE", "FIRE"]
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_row_index("ODINO")
    frame.with_columns(YEARTXT=pl.when(pl.col("ODINO") % 50 == 0).then(9999).otherwise("YEARTXT")).write_csv(
        folder / "complaints.csv"
    )
    (folder / "sources.yaml").write_text(
        """tables:
  service_records:
    csv: complaints.csv
    columns:
      record_id: ODINO
      job_id: ODINO
      model: MAKETXT MODEL
      model_year: {from: YEARTXT, nulls: [9999]}
      component: COMPDESC
      serviced_at: {from: LDATE, format: "%Y%m%d"}
      fault: {constant: true}
""",
        encoding="utf-8",
    )
    return _config(folder)


def write_monthly_counts(folder: Path, *, kind: str = "sales") -> Path:
    """Write a table of model by component with months as columns, and monthly sales (or vehicles in use) by model."""
    rng = np.random.default_rng(2)
    counts = [
        (m, c, *(int(rng.poisson(mean * _raised(m, c, k) * (k + 12) / 30)) for k in range(len(MONTHS))))
        for m in MODELS for c, mean in COMPONENTS.items()
    ]  # fmt: skip
    pl.DataFrame(counts, schema=["车型", "部件", *MONTHS], orient="row").write_csv(folder / "counts.csv")
    before = [f"2021-{m:02d}" for m in range(1, 13)]
    sold = [(m, *([500] * 12), *([500] * len(MONTHS))) for m in MODELS]
    pl.DataFrame(sold, schema=["车型", *before, *MONTHS], orient="row").write_csv(folder / "sales.csv")
    (folder / "sources.yaml").write_text(
        f"""tables:
  service_records:
    csv: counts.csv
    unpivot: {{index: [车型, 部件], variable: month, value: n}}
    columns:
      record_id: {{row_number: true}}
      model: 车型
      component: 部件
      serviced_at: {{from: month, format: "%Y-%m"}}
      count: n
      fault: {{constant: true}}
  denominators:
    csv: sales.csv
    unpivot: {{index: [车型], variable: month, value: n}}
    columns:
      model: 车型
      month: {{from: month, format: "%Y-%m"}}
      count: n
      kind: {{constant: {kind}}}
""",
        encoding="utf-8",
    )
    return _config(folder)


def write_claims(folder: Path) -> Path:
    """Write warranty claims counted by model, component and day, with their cost, and the fleet by vehicle."""
    rng = np.random.default_rng(3)
    claims, cars = [], []
    for model in MODELS:
        cars += [(f"{model}{k}", model, 2020 + k % 3, "2021-06-01") for k in range(300)]
        for component, mean in COMPONENTS.items():
            for day in pl.date_range(pl.date(2022, 1, 3), pl.date(2024, 12, 30), "1w", eager=True):
                month = (day.year - 2022) * 12 + day.month - 1
                n = int(rng.poisson(mean / 3 * _raised(model, component, month)))
                claims.append((model, component, str(day), n, 300.0 * n))
    pl.DataFrame(claims, schema=["model", "part", "day", "claims", "yuan"], orient="row").write_csv(
        folder / "claims.csv"
    )
    pl.DataFrame(cars, schema=["vin", "model", "year", "registered"], orient="row").write_csv(folder / "fleet.csv")
    (folder / "sources.yaml").write_text(
        """tables:
  service_records:
    csv: claims.csv
    columns:
      record_id: {row_number: true}
      component: part
      serviced_at: day
      count: claims
      cost: {from: yuan, factor: 100}
      fault: {constant: true}
  fleet:
    csv: fleet.csv
    columns: {vehicle_id: vin, model_year: year, entered_service_at: registered}
""",
        encoding="utf-8",
    )
    return _config(folder)


def write_pairs(folder: Path) -> Path:
    """Write model, component and count without any date; the configuration has `time: none`."""
    rng = np.random.default_rng(4)
    rows = [
        (f"M{m:02d}", f"C{c:02d}", int(rng.poisson(12)) + (80 if (m, c) == (3, 5) else 0))
        for m in range(12) for c in range(10)
    ]  # fmt: skip
    pl.DataFrame(rows, schema=["车型", "部件", "件数"], orient="row").write_csv(folder / "pairs.csv")
    (folder / "sources.yaml").write_text(
        """tables:
  service_records:
    csv: pairs.csv
    columns:
      record_id: {row_number: true}
      model: 车型
      component: 部件
      count: 件数
""",
        encoding="utf-8",
    )
    path = folder / "fault_rate.yaml"
    path.write_text("task: fault_rate\nsources: sources.yaml\ntime: none\n", encoding="utf-8")
    return path


def _config(folder: Path) -> Path:
    path = folder / "fault_rate.yaml"
    path.write_text(FAULT_RATE, encoding="utf-8")
    return path
