"""`make demo`: from sample data to trained models and answered requests, with the ordinary commands."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.panel import Panel
from rich.table import Column, Table

from demo_desk import ENVIRONMENT_FILE, PORT, create_keys, new_log_keys, open_browser, print_desk, write_environment

out = Console(highlight=False, width=110)
HOME = Path("var/demo").absolute()
READY_WITHIN_SECONDS = 90
KEY = f"chk_{secrets.token_urlsafe(32)}"  # a development key, of the demo's servers alone
LOG_KEYS = new_log_keys()
# A third of the customers of the default sample dealership (`chehang sample-data`), and 30 months instead of 36.
DEALERSHIP = ("--stores", "8", "--customers", "20000", "--months", "30")
FASTER_CONFIGS = Path("configs/demo")  # overlays with fewer training rounds
TASKS = ("credit_risk", "residual_value", "recommendation", "lead_scoring", "demand_forecast", "fault_rate")
COLOURS = {"approve": "green", "refer": "yellow", "decline": "red"}
CHINESE = {"approve": "预审通过", "refer": "人工审核", "decline": "预审拒绝"}

APPLICANTS: dict[str, dict[str, Any]] = {
    "Low risk: long employment, half of the price as down payment 低风险": {
        "vehicle_price": 180_000.0,
        "down_payment": 90_000.0,
        "loan_amount": 90_000.0,
        "term_months": 24,
        "monthly_income": 24_000.0,
        "monthly_debt_payment": 1_500.0,
        "employment_months": 120,
        "bureau_score": 780.0,
        "bureau_delinquencies_24m": 0,
        "bureau_worst_days_past_due": 0,
        "bureau_enquiries_6m": 0,
    },
    "Median applicant 典型申请人": {},
    "High risk: high instalments, earlier delinquencies 高风险": {
        "vehicle_price": 260_000.0,
        "down_payment": 30_000.0,
        "loan_amount": 230_000.0,
        "term_months": 60,
        "monthly_income": 7_500.0,
        "monthly_debt_payment": 3_500.0,
        "employment_months": 4,
        "bureau_score": 520.0,
        "bureau_delinquencies_24m": 4,
        "bureau_worst_days_past_due": 75,
        "bureau_enquiries_6m": 9,
    },
}


def chehang(*arguments: str) -> None:
    """Print a command line and run it."""
    out.print(f"\n[bold cyan]$ chehang {' '.join(arguments)}[/bold cyan]")
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", "chehang", *arguments], check=True, env=_environment())
    out.print(f"[dim]{time.monotonic() - start:.0f} s[/dim]")


def _environment() -> dict[str, str]:
    return {**os.environ, **_own_variables()}


def _own_variables() -> dict[str, str]:
    return {"CHEHANG_HOME": str(HOME), "CHEHANG_DEVELOPMENT_KEY": KEY, "CHEHANG_LOG_KEYS": LOG_KEYS}


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _ask(url: str, body: dict[str, Any] | None = None) -> Any:
    return json.loads(_fetch(url, body) or b"{}")


def _fetch(url: str, body: dict[str, Any] | None, *, accept: str = "application/json") -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Accept": accept}
    with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=10) as response:
        return bytes(response.read())


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(
                f"error: the server ended with exit status {server.returncode} before it was ready; see its output"
            )
        try:
            _ask(f"{url}/readyz")
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise SystemExit(
        f"error: the server was not ready within {READY_WITHIN_SECONDS} s; run make demo again on an idle machine"
    )


def _show(name: str, body: dict[str, Any], answer: dict[str, Any]) -> None:
    colour = COLOURS[answer["band"]]
    head = (
        f"score [bold]{answer['score']}[/bold]   probability of default {answer['probability_of_default']:.2%}   "
        f"[bold {colour}]{answer['band'].upper()} {CHINESE[answer['band']]}[/bold {colour}]   "
        f"(approve up to {answer['approve_at_most']:.2%}, decline above {answer['decline_above']:.2%})"
    )
    out.print(Panel(head, title=name, title_align="left"))
    _print_reasons(answer["reasons"])


def _print_reasons(reasons: list[dict[str, Any]]) -> None:
    if not reasons:
        out.print("no reasons against this application 无不利因素")
        return
    table = Table("reason against", "不利因素", "points", box=None, pad_edge=False)
    for reason in reasons:
        points = reason["points"]
        table.add_row(reason["en"], reason["zh"], f"{points:+.0f}" if round(points) else f"{points:+.1f}")
    out.print(table)


def _offer(url: str) -> None:
    """Print the loan offers for one applicant, and write the cost disclosure of the first offer."""
    request = _ask(f"{url}/v1/loans/offers/example")
    out.print(f"\n[bold cyan]$ curl {url}/v1/loans/offers -d '...'[/bold cyan]")
    answer = _ask(f"{url}/v1/loans/offers", request)
    credit, price = answer["credit"], request["vehicle"]["price"]
    payments = ("down\npayment", "months", "monthly\npayment", "last\npayment")
    figures = ("interest\nand fees", "annual\ncost", "default\nrisk", "credit\nanswer")
    table = Table(Column("offer", overflow="fold"), Column("best for", overflow="fold"), *payments, *figures, box=None)
    for o in answer["offers"]:
        best = "\n".join(f"{t['en']}\n{t['zh']}" for t in o["best_at_text"])
        cells = (o["down_payment"], o["monthly_payment"], o["final_payment"], o["total_cost"])
        down, monthly, last, cost = (f"{c:,.2f}" for c in cells)
        name = f"{o['product_name']['en']}\n{o['product_name']['zh']}\n{o['lender']['en']} {o['lender']['zh']}"
        table.add_row(
            name,
            best,
            down,
            str(o["term_months"]),
            monthly,
            last,
            cost,
            f"{o['implied_rate']:.2%}",
            f"{o['probability_of_default']:.2%}",
            f"{o['band']}\n{CHINESE[o['band']]}",
        )
    band = f"{credit['band'].upper()} {CHINESE[credit['band']]}"
    head = f"vehicle {price:,.0f} yuan   {band}   risk band {answer['risk_band']}"
    out.print(Panel(head, title="Loan offers (yuan) 贷款方案（元）", title_align="left"))
    out.print(table)
    _print_reasons(credit["reasons"])
    if answer["offers"]:
        first = answer["offers"][0]
        loan = {n: first[n] for n in ("product", "amount", "annual_rate", "term_months", "balloon")}
        page = HOME / "disclosure.html"
        page.write_bytes(_fetch(f"{url}/v1/loans/disclosure", {**loan, "on": request["on"]}, accept="text/html"))
        out.print(f"cost disclosure of the first offer 个人贷款综合融资成本明示表: {page.relative_to(Path.cwd())}")


VISITORS: dict[str, dict[str, Any]] = {
    "New visitor 新访客": {},
    "Stated preferences: electric SUV, at most 200,000 yuan, 2,500 yuan a month 有明确需求": {
        "profile": {"budget_high": 200_000.0, "energy_type": "battery_electric", "body_type": "suv"},
        "payment": {"monthly_payment": 2_500.0},
    },
    "Two vehicles viewed in this visit 本次浏览过两款": {
        "session": [{"event_type": "compare"}, {"event_type": "view"}]
    },
}
BASES = {
    "customer": "customer history",
    "session": "this visit",
    "profile": "stated preferences",
    "cold": "popularity (cold start)",
    "off": "popularity (not personalised)",
}


def _pages(url: str) -> None:
    """Print the recommendations for three visitors of one store."""
    path = f"{url}/v1/recommendation"
    store = _ask(f"{path}/example")["store_id"]
    for name, fields in VISITORS.items():
        body = {"n": 6, "store_id": store, **fields}
        if "session" in body:  # two mid-priced vehicles
            stock = _ask(path, {"n": 2, "filters": {"price_low": 90_000.0, "price_high": 140_000.0}})["items"]
            body["session"] = [
                e | {"vehicle_id": s["vehicle_id"]} for e, s in zip(body["session"], stock, strict=False)
            ]
        out.print(f"\n[bold cyan]$ curl {path}?explain=true -d '...'[/bold cyan]")
        answer = _ask(f"{path}?explain=true", body)
        out.print(f"{name}\nbased on: {BASES[answer['path']]}; {answer['available']} vehicles in stock")
        table = Table("vehicle", "condition", "price", "monthly", "reasons 推荐理由", box=None)
        for card in answer["items"]:
            payment = card["payment"]
            why = "\n".join(f"{r['en']} {r['zh']}" for r in card["reasons"][:2])
            why = "New in stock, shown to measure interest 新到店，试推荐" if card["explored"] else why
            monthly = f"{payment['monthly_payment']:,.0f}" if payment else ""
            table.add_row(card["model"], card["condition"], f"{card['price']:,.0f}", monthly, why)
        out.print(table)


def _queue(url: str) -> None:
    """Print the call list after the last lead of the data: leads of the last two days without a contact."""
    tables = HOME / "sample" / "tables"
    leads = pl.read_parquet(tables / "leads.parquet")
    last: Any = leads["created_at"].max()
    as_of = last + timedelta(minutes=1)
    waiting = leads.filter(pl.col("created_at") > as_of - timedelta(days=2), pl.col("first_contact_at").is_null())
    waiting = waiting.sort("created_at", descending=True).head(40)
    history = pl.scan_parquet(tables / "events.parquet").filter(
        pl.col("customer_id").is_in(waiting["customer_id"].implode()), pl.col("event_at") < as_of
    )
    events = history.sort("event_at").collect().partition_by("customer_id", as_dict=True)
    bodies = [_lead(row, events.get((row["customer_id"],))) for row in waiting.to_dicts()]
    request = {"as_of": as_of.isoformat(), "calls_per_hour": 2.0, "leads": bodies}
    out.print(f"\n[bold cyan]$ curl {url}/v1/lead_scoring/queue -d '...'[/bold cyan]")
    _show_queue(_ask(f"{url}/v1/lead_scoring/queue", request))


def _show_queue(answer: dict[str, Any]) -> None:
    """Print a call list: what each call is worth, why it has its place, and what to say."""
    if answer["notice"]:
        out.print(f"{answer['notice']['en']}\n{answer['notice']['zh']}")
    unit = {"gross_margin": "expected gross margin, yuan", "sales": "expected sales"}[answer["measure"]]
    table = Table(
        "call at", "lead", "grade", "waiting", "P(sale)", "uncalled", "worth", "if first", "loss/hour",
        "what to know 沟通要点",
        box=None, title=f"Call list: what a call is worth ({unit}) 回访名单：外呼价值",
    )  # fmt: skip
    for item in answer["items"][:12]:
        reasons = (item["reasons"]["positive"] or item["reasons"]["negative"])[:1]
        why = "\n".join(f"{r['en']}\n{r['zh']}" for r in reasons)
        when = datetime.fromisoformat(item["call_at"]).strftime("%H:%M")
        figures = (f"{item[n]:,.2f}" for n in ("gain", "gain_if_first", "loss_per_hour"))
        chance, waits = f"{item['conversion_probability']:.1%}", f"{item['hours_at_call']:.0f} h"
        without = item["probability_without_call"]
        uncalled = "" if without is None else f"{without:.1%}"
        table.add_row(when, item["lead_id"], item["grade"], waits, chance, uncalled, *figures, why)
    out.print(table)
    for item in answer["items"][:3]:
        out.print(f"  place {item['place']}, {item['lead_id']}: {item['why']['en']}\n  {item['why']['zh']}")
    out.print(f"{answer['comparison']['en']}\n{answer['comparison']['zh']}")


def _plan(url: str) -> None:
    """Print the proposed purchase orders of one store, and the drivers of one demand forecast."""
    path = f"{url}/v1/demand_forecast/orders"
    example = _ask(f"{url}/v1/demand_forecast/example")
    store = example["store_id"]
    out.print(f'\n[bold cyan]$ curl {path} -d \'{{"stores": ["{store}"]}}\'[/bold cyan]')
    answer = _ask(path, {"stores": [store]})
    title = f"Store {store}: purchase orders for {answer['first_period']} 待确认采购订单"
    columns = (
        "model",
        "in stock 库存",
        "expected demand 预计需求",
        "order up to 目标库存",
        "order 采购",
        "lost without 不采购失销",
    )
    table = Table(*columns, "lost with 采购后失销", box=None, title=title)
    ordered = [o for o in answer["orders"] if o["order"]]
    for o in sorted(ordered, key=lambda o: o["priority"])[:10]:
        lost = (f"{o[n]:.1f}" for n in ("lost_without_order", "lost_with_order"))
        table.add_row(
            o["model"], str(o["on_hand"]), f"{o['demand_mean']:.1f}", str(o["order_up_to"]), str(o["order"]), *lost
        )
    out.print(table)
    for text in answer["summary"]:
        out.print(f"  {text['en']}\n  {text['zh']}")
    request = {"store_id": store, "model": example["model"]}
    forecast = _ask(f"{url}/v1/demand_forecast?explain=true", request)["periods"][0]
    for driver in forecast["drivers"]:
        out.print(f"  {example['model']} {forecast['period']}: {driver['en']}   {driver['zh']}")
    chehang("forecast", "--out", str((HOME / "plan.parquet").relative_to(Path.cwd())), "--store", store)


def _alarms(url: str) -> None:
    """Detect the simulated defect, and print the vehicles to inspect and the time to detection."""
    path = HOME / "alarms.parquet"
    chehang("alarms", "--out", str(path.relative_to(Path.cwd())))
    defect = pl.read_parquet(HOME / "sample" / "truth" / "fault_injection.parquet").row(0, named=True)
    for alarm in pl.read_parquet(path).to_dicts():
        is_defect = (alarm["model"], alarm["component"]) == (defect["model"], defect["component"])
        truth = "the simulated defect 即模拟缺陷" if is_defect else "not the simulated defect 并非模拟缺陷"
        cell = f"{alarm['model']} {alarm['component']}"
        out.print(f"quality alarm 质量预警: {cell}, detected on 发现于 {alarm['detected_on']}; {truth}")
    built = f"{defect['built_from_at']:%Y-%m-%d} to {defect['built_until_at']:%Y-%m-%d}"
    out.print(
        f"simulated defect 模拟缺陷: {defect['model']} {defect['component']}, built {built}, "
        f"{defect['rate_ratio']:g} times the normal fault rate"
    )
    alarm = pl.read_parquet(path).row(0, named=True)
    component = {"model": alarm["model"], "component": alarm["component"]}
    chehang(
        "alarm", str(alarm["alarm_id"]), "acknowledged", "--by", "after-sales", "--note", "acknowledged in the demo"
    )
    out.print(f"\n[bold cyan]$ curl {url}/v1/fault_rate/vehicles -d '...'[/bold cyan]")
    answer = _ask(f"{url}/v1/fault_rate/vehicles", {**component, "limit": 5})
    out.print(f"  {answer['plan']['text']['en']}\n  {answer['plan']['text']['zh']}")
    years, days = answer["plan"]["years"], answer["days"]
    table = Table(
        "inspect first\n优先回厂检查",
        f"expected faults\n{days} days",
        f"\n{years:g} years",
        Column("\nreason 理由", overflow="fold"),
    )
    for v in answer["vehicles"]:
        reason = f"{v['reason_en']}\n{v['reason_zh']}"
        table.add_row(v["vehicle_id"], f"{v['faults']:.2f}", f"{v['faults_to_come']:.2f}", reason)
    out.print(table)
    other = {**component, "component": "suspension"}
    out.print(
        f"\n[bold cyan]$ curl {url}/v1/fault_rate/vehicles -d '{json.dumps(other, ensure_ascii=False)}'[/bold cyan]"
    )
    plan = _ask(f"{url}/v1/fault_rate/vehicles", {**other, "limit": 1})["plan"]
    out.print(f"  {plan['text']['en']}\n  {plan['text']['zh']}")
    table = Table("fault rate 故障率", "median time to detection 发现时间（中位数）", box=None)
    for ratio in (1.5, 2.0, 3.0):
        power = _ask(f"{url}/v1/fault_rate/power", {**component, "rate_ratio": ratio})
        weeks, reason = power["weeks_p50"], power["reason"]
        detection = f"{reason['en']} {reason['zh']}" if weeks is None else f"{weeks} weeks {weeks} 周"
        table.add_row(f"{ratio:g} times the normal rate 正常的 {ratio:g} 倍", detection)
    out.print(table)
    chehang("service-due", "--out", str((HOME / "service_due.parquet").relative_to(Path.cwd())))


def _lead(row: dict[str, Any], events: pl.DataFrame | None) -> dict[str, Any]:
    money = ("price", "budget", "acquisition_cost")
    names = ("lead_id", "store_id", "channel", "campaign", "model", "distance_km", *money)
    body = {n: row[n] / 100 if n in money else row[n] for n in names if row[n] is not None}
    fields = ("event_type", "session_id", "vehicle_id", "model", "channel", "dwell_seconds")
    rows = [] if events is None else events.to_dicts()
    history = [{n: e[n] for n in fields if e[n] is not None} | {"event_at": e["event_at"].isoformat()} for e in rows]
    return body | {"created_at": row["created_at"].isoformat(), "events": history}


def main() -> None:
    """Generate sample data, train and promote every task, serve, send requests of every task, and show the desk.

    With OPEN=1 in the environment the server goes on, and the browser opens the desk; otherwise the server is stopped.
    """
    start = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    chehang("sample-data", *DEALERSHIP)
    for task in TASKS:
        overlay = FASTER_CONFIGS / f"{task}.yaml"
        chehang("train", task, *(("--with", str(overlay)) if overlay.exists() else ()))
        chehang("promote", task)
    log_ins = create_keys(_environment())
    write_environment(HOME / ENVIRONMENT_FILE, _own_variables())
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    out.print(
        f"\n[bold cyan]$ chehang serve --port {port}[/bold cyan]   requests send a development key 请求附带开发密钥"
    )
    server = subprocess.Popen([sys.executable, "-m", "serving", "--port", str(port)], env=_environment())
    try:
        _wait(url, server)
        example = _ask(f"{url}/v1/credit_risk/example")
        for name, fields in APPLICANTS.items():
            body = {**example, **fields}
            out.print(f"\n[bold cyan]$ curl {url}/v1/credit_risk -d '...'[/bold cyan]")
            _show(name, body, _ask(f"{url}/v1/credit_risk", body))
        _offer(url)
        _pages(url)
        _queue(url)
        _plan(url)
        _alarms(url)
        seconds = time.monotonic() - start
        out.print(f"\nfinished in {seconds:.0f} s; all files are in {HOME.relative_to(Path.cwd())}")
        if os.environ.get("OPEN", "") not in ("", "0"):
            print_desk(out, log_ins, url, is_running=True)
            open_browser(url)
            out.print("Ctrl-C stops the server 按 Ctrl-C 停止")
            _wait_for_end(server)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    if os.environ.get("OPEN", "") in ("", "0"):
        print_desk(out, log_ins, f"http://127.0.0.1:{PORT}", is_running=False)


def _wait_for_end(server: subprocess.Popen[bytes]) -> None:
    """Wait until the server ends, or somebody presses Ctrl-C."""
    try:
        server.wait()
    except KeyboardInterrupt:
        out.print()


if __name__ == "__main__":
    main()
