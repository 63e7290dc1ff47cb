"""The command line `chehang`: every command shows progress, answers in one line when it fails, and can speak JSON."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from features.errors import ChehangError, ConfigError
from training import regular_runs
from training.options import (
    AsJson,
    ConfigPath,
    Engine,
    Overlays,
    Settings,
    TaskName,
    VersionNumber,
    loaded_config,
    parsed_instant,
    print_json,
    say,
)  # fmt: skip
from training.printing import (
    out,
    print_checked,
    print_folds,
    print_report,
    print_versions,
)

app = typer.Typer(
    name="chehang",
    help="Machine learning for car dealerships: train, compare, promote and serve. 车行机器学习套件。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def tasks(as_json: AsJson = False) -> None:
    """List the tasks, what each answers, and its champion."""
    from ml.registry import TASKS
    from training import tracking

    rows: list[dict[str, Any]] = []
    for task in TASKS.values():
        best = tracking.champion(task.name)
        rows.append(
            {"task": task.name, **task.summary, "tables": list(task.tables), "champion": best.number if best else None}
        )
    if as_json:
        return print_json(rows)
    table = Table("task", "question", "问题", "tables", "champion")
    for row in rows:
        table.add_row(row["task"], row["en"], row["zh"], ", ".join(row["tables"]), str(row["champion"] or "none"))
    out.print(table)


@app.command("sample-data")
def sample_data(
    out_folder: Annotated[Path | None, typer.Option("--out", help="Folder; CHEHANG_HOME/sample if not given.")] = None,
    stores: Annotated[int, typer.Option(help="Stores of the group.")] = 20,
    customers: Annotated[int, typer.Option(help="Customers.")] = 60_000,
    months: Annotated[int, typer.Option(help="Months of history.")] = 36,
    seed: Annotated[int, typer.Option(help="The same seed makes the same dealership.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Make the sample dealership: ten coherent raw tables, and apart from them the truth they were drawn from."""
    from training.home import home
    from training.sample_data import Size, generate

    folder = out_folder or home() / "sample"
    size = Size(stores=stores, customers=customers, months=months, seed=seed)
    rows = generate(size, folder, progress=say(as_json))
    if as_json:
        return print_json({"folder": str(folder), "rows": rows})
    table = Table("table", "rows", title=f"sample dealership in {folder}")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    out.print(table)


@app.command()
def check(
    task: TaskName,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Read a task's tables, check them against their contracts, and say what a training would see."""
    from training.study import load_study

    study = load_study(loaded_config(task, config, overlay, setting), progress=say(as_json))
    content: dict[str, Any] = {
        "task": task,
        "tables": {
            n: {"read": r.rows_read, "kept": r.rows_kept, "quarantined": r.rows_quarantined, "rules": dict(r.rules)}
            for n, r in study.raw.reports.items()
        },
        **study.describe(),
        "notes": list(study.notes),
    }
    if as_json:
        return print_json(content)
    print_checked(content)


@app.command()
def train(
    task: TaskName,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    engine: Engine = "polars",
    as_json: AsJson = False,
) -> None:
    """Train, calibrate and evaluate one version, and register it."""
    from training.run import train as run

    done = run(loaded_config(task, config, overlay, setting), engine=engine, progress=say(as_json))
    if as_json:
        return print_json({"task": task, "version": done.version.number, **done.report.as_dict()})
    print_report(done.report)
    out.print(f"registered {task} version {done.version.number}; promote it with: chehang promote {task}")


@app.command()
def tune(
    task: TaskName,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials in all, those of earlier runs included.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes on one study.")] = 1,
    timeout: Annotated[float | None, typer.Option(min=0, help="Start no trial after so many seconds.")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="Overlay to write; CHEHANG_HOME/tuned/TASK.yaml.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search parameters by cross-validation inside the training part; a killed search resumes."""
    from training.home import home
    from training.tune import tune as run

    load = {"task": task, "path": config, "overlays": overlay or (), "settings": setting or ()}
    done = run(
        loaded_config(task, config, overlay, setting),
        load=load,
        out=to or home() / "tuned" / f"{task}.yaml",
        trials=trials,
        workers=workers,
        timeout=timeout,
        progress=say(as_json),
    )
    if as_json:
        return print_json({**done.__dict__, "params": dict(done.params)})
    out.print(
        f"{done.metric} {done.value:.5f} (as configured {done.default:.5f}), {done.trials} trials, {done.pruned} pruned"
    )
    for name, value in done.params.items():
        out.print(f"  {name}: {value}")
    out.print(f"written to {done.path}; use it with: chehang train {task} --with {done.path}")


@app.command()
def evaluate(
    task: TaskName,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: VersionNumber = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Cross-validate the configuration instead.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write report.json and report.png into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a version on the present test part, or cross-validate the configuration with --folds."""
    from training import tracking
    from training.cross_validation import cross_validate
    from training.examples import load_examples
    from training.plots import draw_report
    from training.study import load_study

    configured = loaded_config(task, config, overlay, setting)
    if folds is not None:
        if configured.definition.outcome not in ("binary", "amount"):
            raise ConfigError(f"--folds: {task} is tested on what came later, once; leave it out")
        examples = load_examples(configured, progress=say(as_json))
        found = cross_validate(examples, folds=folds, progress=say(as_json))
        return print_json(found.__dict__) if as_json else print_folds(found)
    study = load_study(configured, progress=say(as_json))
    model = tracking.load(tracking.find(task, version))
    told = study.evaluate(model.estimator)
    if report is not None:
        told.write(report)
        draw_report(told, report / "report.png")
    return print_json(told.as_dict()) if as_json else print_report(told)


@app.command()
def compare(task: TaskName, as_json: AsJson = False) -> None:
    """Show the metrics of all versions side by side; the champion is marked."""
    from ml.registry import TASKS
    from training import tracking

    if task not in TASKS:
        loaded_config(task, None, None, None)
    best, known = tracking.champion(task), tracking.versions(task)
    if not known:
        tracking.find(task)
    rows: list[dict[str, Any]] = [
        {
            "version": v.number,
            "champion": bool(best and v.number == best.number),
            "created": v.created,
            **v.tags,
            "metrics": v.metrics,
        }
        for v in known
    ]
    if as_json:
        return print_json(rows)
    print_versions(rows, list(TASKS[task].metrics))


@app.command()
def promote(
    task: TaskName,
    version: VersionNumber = None,
    force: Annotated[bool, typer.Option("--force", help="Promote in spite of the gate; needs --reason.")] = False,
    reason: Annotated[str | None, typer.Option(help="Recorded in the history.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a version champion if it beats the present one on the same rows and keeps every guard."""
    from training.promotion import promote as run

    moved, verdict = run(task, version, force=force, reason=reason)
    if as_json:
        return print_json({"promotion": moved.__dict__, "checks": [c.__dict__ for c in verdict.checks]})
    for c in verdict.checks:
        out.print(f"{'[green]pass[/green]' if c.passed else '[red]fail[/red]'}  {c.name}: {c.detail}")
    out.print(f"{task} version {moved.version} is champion{' (forced)' if moved.forced else ''}")


@app.command()
def rollback(
    task: TaskName,
    reason: Annotated[str | None, typer.Option(help="Recorded in the history.")] = None,
    as_json: AsJson = False,
) -> None:
    """Restore the champion before the present one."""
    from training.promotion import rollback as run

    moved = run(task, reason=reason)
    if as_json:
        return print_json(moved.__dict__)
    out.print(f"{task} version {moved.version} is champion again (was {moved.previous})")


@app.command()
def history(task: TaskName, as_json: AsJson = False) -> None:
    """Print every move of the champion: who, when, why, metrics."""
    from ml.registry import TASKS
    from training import tracking

    if task not in TASKS:
        loaded_config(task, None, None, None)
    moves = tracking.promotions(task)
    if as_json:
        return print_json([m.__dict__ for m in moves])
    primary = TASKS[task].primary_metric
    table = Table("when (UTC)", "action", "version", "before", "who", primary, "why")
    for m in moves:
        value = m.metrics.get(primary)
        action = m.action + (" (forced)" if m.forced else "")
        when, shown = m.when.strftime("%Y-%m-%d %H:%M:%S"), "" if value is None else f"{value:.4f}"
        table.add_row(when, action, str(m.version), str(m.previous or ""), m.who, shown, m.why)
    out.print(table)


@app.command()
def score(
    task: TaskName,
    to: Annotated[Path, typer.Option("--out", help="Answers: .parquet or .csv.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="File in place of the configured source; same shape.")
    ] = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: Annotated[int | None, typer.Option("--version", help="Model version; the champion if not given.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Re-score what was open at this instant, as 2026-01-31T09:00+08:00.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a file of rows: batch file in, file out."""
    from training import tracking
    from training.score import score as run

    loaded = loaded_config(task, config, overlay, setting)
    found = tracking.find(task, version) if version is not None else tracking.champion(task)
    if found is None:
        from features.errors import ModelNotFound

        raise ModelNotFound(f"{task} has no champion; make one with: chehang promote {task}")
    rows = run(tracking.load(found), loaded, data=data, out=to, as_of=parsed_instant(as_of), progress=say(as_json))
    if as_json:
        return print_json({"rows": rows, "out": str(to), "version": found.number})
    out.print(f"{rows:,} rows answered by version {found.number}, written to {to}")


for run in (
    regular_runs.value,
    regular_runs.forecast,
    regular_runs.alarms,
    regular_runs.alarm,
    regular_runs.service_due,
):
    app.command()(run)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(context: typer.Context) -> None:
    """Serve the champions over HTTP; stops on Ctrl-C. Options are those of: python -m serving --help."""
    # This process becomes the server, so that a signal sent to it stops the server and its workers.
    os.execv(sys.executable, [sys.executable, "-m", "serving", *context.args])


def main() -> None:
    """Run the command line; what a person must act on is one line, without a traceback."""
    from training.home import home

    try:
        os.environ["CHEHANG_HOME"] = str(home())  # absolute: configurations in other folders mean the same place
        code = app(standalone_mode=False)
    except ChehangError as e:
        print(f"error: {' '.join(str(e).split())}", file=sys.stderr)
        sys.exit(1)
    except typer.Exit as e:
        sys.exit(e.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except Exception as e:
        if hasattr(e, "show"):
            e.show()
            sys.exit(getattr(e, "exit_code", 2))
        raise
    sys.exit(code or 0)


if __name__ == "__main__":
    main()
