"""`chehang audit`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from ml import champions
from ml.bilingual import Text
from ml.registry import TASKS
from ml.report.report import Report
from ml.report.sections import Paragraph
from ml.terminal import AsJson, out, print_json, progress_printer, user
from serving.audit.fairness import PROTECTED, Fairness, fairness_of
from serving.audit.figures import figures_of
from serving.audit.key_section import key_section
from serving.audit.logged_entries import Selection, log_end, logged_entries
from serving.audit.opening import BROKEN, open_log
from serving.audit.pack import check_pack_path, write_pack
from serving.audit.periods import TIMEZONE, Period, parse_period
from serving.audit.personal import check_reader, record_access, with_personal
from serving.audit.sections import figure_sections
from serving.audit.trust_sections import fairness_sections, promotion_section, verification_section
from serving.decisions.log_keys import LogKeys, log_keys
from serving.decisions.verification import verify_log
from serving.doors.key_store import KeyStore
from serving.settings import load_settings


def audit(
    path: Annotated[Path, typer.Option("--out", "-o", help="New folder, or zip file, to write.")],
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, such as 2026-01-01.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, such as 2026-12-31.")] = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="Read inputs for the section on fairness; the log records it.")
    ] = False,
    attribute: Annotated[
        list[str] | None,
        typer.Option("--attribute", help=f"Protected input; can be repeated. Default: {', '.join(PROTECTED)}."),
    ] = None,
    who: Annotated[str | None, typer.Option("--who", help="Person who reads personal fields.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="Why personal fields are read.")] = None,
    timezone: Annotated[str, typer.Option(help="IANA time zone of days and of the times that are shown.")] = TIMEZONE,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Default: configs/serving.yaml.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the pack of an auditor: decisions, overrides, fairness, reads, purges, keys, models and a verified log."""
    check_pack_path(path)
    period = parse_period(first, last, timezone)
    keys = log_keys()
    reader = check_reader(keys, who, why) if personal else None
    engine = open_log(config)
    progress = progress_printer(as_json)
    fairness, settings = None, load_settings(config)
    end = log_end(engine)
    progress(f"verifying the log up to entry {end.sequence:,}")
    verification = verify_log(engine, keys=keys)
    progress("counting decisions, overrides, reads and purges")
    figures = figures_of(engine, period, end=end.sequence)
    if reader is not None:
        progress("reading protected attributes")
        fairness = _fairness(engine, period, reader, attribute or PROTECTED, end.sequence)
    progress("reading keys and promotions of models")
    store = KeyStore(settings.key_store)
    api_keys = store.all_keys()
    store.close()
    moves = {name: champions.history(name) for name in (*TASKS, *champions.named_models())}
    sections = [
        _scope(period, str(end)),
        verification_section(verification, period),
        *figure_sections(figures, period, {key.key_id: key.name for key in api_keys}),
        *fairness_sections(fairness),
        promotion_section(moves, period),
        key_section(api_keys, period),
    ]
    report = Report(task="decision_audit", protocol=str(period), sections=tuple(sections))
    content: dict[str, Any] = {
        **{"period": str(period), "log_end": end, "verification": verification.as_dict()},
        **{"written_at": datetime.now(UTC).isoformat(), "written_by": who or user()},
    }
    names = write_pack(path, report, content)
    if as_json:
        print_json({**content, "log_end": end._asdict(), "path": str(path), "files": names})
    else:
        out.print(f"{figures.total.decisions:,} decisions; {len(names)} files written to {path}", soft_wrap=True)
        state = "whole" if verification.is_whole else f"broken, first at entry {verification.faults[0].sequence:,}"
        out.print(f"the log is {state}; its last entry is {end}", soft_wrap=True)
    if not verification.is_whole:
        raise typer.Exit(BROKEN)


def _fairness(
    engine: sa.Engine, period: Period, reader: tuple[LogKeys, str, str], attributes: Sequence[str], end: int
) -> Fairness:
    keys, who, why = reader
    selection = Selection(period, kinds=("decision",))
    read = {"channel": "command line", "fields": list(attributes), "until": end, **selection.as_dict()}
    record_access(engine, None, {"who": who, "why": why, **read})
    return fairness_of(with_personal(engine, keys, logged_entries(engine, selection, end=end)), attributes)


def _scope(period: Period, end: str) -> Paragraph:
    return Paragraph(
        name="scope",
        title=Text(zh="范围", en="Scope"),
        text=Text(
            zh=f"期间 {period}，按写入时间；日志读至第 {end} 条。日志包含服务作出的每项信贷与方案决策（批量请求的每一行"
            "）。试算不计入；"
            "日志不可写时服务拒绝决策（503），因此没有未记录的决策。服务之外作出的决定不在其中。区间为 95 % Jeffreys 区"
            "间。",
            en=f"Period {period}, by time of writing; the log was read up to entry {end}. It has every credit decision "
            "and "
            "answer with offers of the service, each row of a batch. Previews are not logged. While the log cannot be "
            "written, the service refuses decisions (503), so that none is unlogged. Decisions taken elsewhere are not "
            "in it. Intervals are 95 % Jeffreys intervals.",
        ),
    )
