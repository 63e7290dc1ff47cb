"""Parts of the page of an application: scale, cards, grid, suggestions, log; they only arrange the answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from serving.desk.charts import ScoreScale, Segment
from serving.desk.formats import format_moment, format_money, format_number, format_percent
from serving.desk.page import PageRequest

REASONS = (
    "DOCUMENTS_MISSING",
    "DOCUMENTS_DIFFER",
    "LENDER_RULE",
    "WITHDRAWN",
    "INCOME_PROVED",
    "RECORD_EXPLAINED",
    "GUARANTOR",
    "MORE_DOWN_PAYMENT",
)
TONES = {"approve": "good", "refer": "wait", "decline": "bad"}
CELLS = {"approve": "y", "refer": "r", "decline": "n"}
MARGIN = 60  # points that the scale shows beyond the outer cut-offs
LENDER_STEPS = ("submitted", "in_review", "approved", "paid_out")


def judgement_scale(judged: dict[str, Any], request: PageRequest) -> ScoreScale:
    """Return the score on its scale with both cut-offs; without a score while nothing is judged."""
    credit, text = judged["credit"], request.text
    low, high, score = credit["decline_below_score"], credit["approve_from_score"], credit["score"]
    places = [score, *(cut_off for cut_off in (low, high) if cut_off is not None)]
    end = max(places) + MARGIN
    # A cut-off of 0 or 1 has no score: then nobody is approved, or nobody is declined.
    segments = [Segment(text("loans.band.decline"), low, "bad")] if low is not None else []
    segments.append(Segment(text("loans.band.refer"), end if high is None else high, "wait"))
    segments += [Segment(text("loans.band.approve"), end, "good")] if high is not None else []
    band = text(f"loans.band.{credit['band']}")
    shown = ["—" if cut_off is None else cut_off for cut_off in (low, high)]
    label = text("loans.scale", score=score, low=shown[0], high=shown[1], band=band)
    start = min(places) - MARGIN
    return ScoreScale(score if judged["is_judged"] else None, start, segments, f"{score} {band}", label)


def offer_cards(judged: dict[str, Any], request: PageRequest, address: str) -> list[dict[str, Any]]:
    """Return the offers as cards, that of the plan first."""
    language, text = request.language, request.text
    cards = []
    offers = sorted(judged["offers"], key=lambda o: o is not judged["current"] and o != judged["current"])
    for offer in offers:
        is_current = offer == judged["current"]
        facts = [
            (text("loans.term"), text("loans.n_periods", n=offer["term_months"])),
            (text("loans.down_payment"), format_money(offer["down_payment"], language)),
            (text("loans.amount"), format_money(offer["amount"], language)),
            (text("loans.balloon"), format_money(offer["balloon"] or None, language)),
            (text("loans.annual_cost"), format_percent(offer["nominal_rate"], 2)),
            (text("loans.total_cost"), format_money(offer["total_cost"], language)),
        ]
        words = [t[language] for t in offer["best_at_text"]]
        cards.append(
            {
                "title": offer["product_name"][language],
                "lender": offer["lender"][language],
                "state": (text(f"loans.band.{offer['band']}"), TONES[offer["band"]]),
                "figure": format_number(offer["monthly_payment"], 2),
                "unit": text("loans.a_month"),
                "facts": facts,
                "note": text("loans.current") if is_current else (" · ".join(words) or None),
                "on": is_current,
                "href": None if is_current else _plan_link(request, address, offer),
                "offer": offer,
            }
        )
    return cards


def grid_table(judged: dict[str, Any], request: PageRequest, address: str) -> dict[str, Any] | None:
    """Return the payment grid of the product: a row for each down payment, a column for each term."""
    cells, plan, text = judged["grid"], judged["plan"], request.text
    if not cells:
        return None
    wish = judged["for_payment"]["monthly_payment"] if judged["for_payment"] else None
    terms = sorted({c["term_months"] for c in cells})
    downs = sorted({c["down_payment"] for c in cells})
    by_place = {(c["down_payment"], c["term_months"]): c for c in cells}
    rows = []
    for down in downs:
        share = format_percent(down / plan["vehicle_price"])
        heading = f"{format_money(down, request.language)} {share}"
        rows.append(
            {
                "heading": heading,
                "cells": [_cell(by_place.get((down, t)), plan, wish, request, address, judged) for t in terms],
            }
        )
    name = judged["products"].get(judged["grid_product"], {}).get(request.language, judged["grid_product"])
    caption = text("loans.grid", product=name)
    if wish is not None:
        caption += text("loans.grid_can", payment=format_money(wish, request.language))
    return {"caption": caption, "headings": [text("loans.n_periods", n=t) for t in terms], "rows": rows}


def _cell(
    cell: dict[str, Any] | None,
    plan: dict[str, Any],
    wish: float | None,
    request: PageRequest,
    address: str,
    judged: dict[str, Any],
) -> dict[str, Any]:
    text = request.text
    if cell is None:
        return {"text": text("loans.no_product"), "tone": "x", "href": None}
    payment = format_number(cell["monthly_payment"]) if cell["monthly_payment"] is not None else None
    if cell["violations"]:
        is_declined = "credit_decision" in cell["violations"]
        mark = text("loans.mark.decline" if is_declined else "loans.mark.rule")
        tone = "n" if is_declined else "x"
        return {"text": payment or mark, "tone": tone, "href": None, "mark": mark if payment else None, "can": False}
    is_on = cell["term_months"] == plan["term_months"] and abs(cell["down_payment"] - plan["down_payment"]) < 0.005
    values = {"down": f"{cell['down_payment']:g}", "term": cell["term_months"], "product": judged["grid_product"]}
    return {
        "text": payment,
        "tone": CELLS[cell["band"]],
        "mark": text(f"loans.mark.{cell['band']}"),
        "href": _link(request, address, values),
        "on": is_on,
        "can": wish is not None and cell["monthly_payment"] <= wish,
        "label": text(
            "loans.cell",
            payment=payment,
            down=format_money(cell["down_payment"], request.language),
            n=cell["term_months"],
            band=text(f"loans.band.{cell['band']}"),
        ),
    }


def suggestions(judged: dict[str, Any], request: PageRequest, address: str) -> dict[str, list[dict[str, Any]]]:
    """Return the smallest changes that pass, and the loans within the customer's payment, as links."""
    language, text, plan = request.language, request.text, judged["plan"]
    changes = []
    for change in judged["changes"]:
        parts = []
        if "down_payment" in change["changed"]:
            more = change["down_payment"] - plan["down_payment"]
            amounts = (format_money(change["down_payment"], language), format_money(more, language))
            parts.append(text("loans.change.down", down=amounts[0], more=amounts[1]))
        if "term_months" in change["changed"]:
            parts.append(text("loans.change.term", n=change["term_months"]))
        if "vehicle" in change["changed"]:
            parts.append(text("loans.change.vehicle", price=format_money(change["vehicle_price"], language)))
            changes.append({"text": " · ".join(parts), "href": None})
            continue
        changes.append({"text": " · ".join(parts), "href": _plan_link(request, address, change["offer"])})
    wish = judged["for_payment"]
    loans = []
    for loan in (wish["loans"] or ([wish["nearest"]] if wish["nearest"] else [])) if wish else []:
        offer = loan["offer"]
        words = text(
            "loans.affordable",
            product=offer["product_name"][language],
            down=format_money(loan["cash"], language),
            n=loan["term_months"],
            payment=format_number(offer["monthly_payment"], 2),
        )
        loans.append({"text": words, "href": _plan_link(request, address, offer), "band": offer["band"]})
    return {"changes": changes, "loans": loans}


def log_rows(case: dict[str, Any], request: PageRequest) -> list[dict[str, Any]]:
    """Return the entries of an application in words, the latest first."""
    return [
        {
            "time": format_moment(entry["at"], request.language, request.clock.local()),
            "text": _entry_words(entry, request),
        }
        for entry in case["log"]
    ]


def decided_words(case: dict[str, Any], request: PageRequest) -> str | None:
    """Return who has decided what, and when; None for an application that waits."""
    entry = case["decision"]
    if entry is None or case["item"]["state"] == "second_person":
        return None
    outcome = request.text(f"loans.outcome.{entry['content']['outcome']}")
    at = format_moment(entry["at"], request.language, request.clock.local())
    return request.text("loans.decided", person=entry["person"] or "—", outcome=outcome, at=at)


def stage_steps(case: dict[str, Any], request: PageRequest) -> list[tuple[str, str]]:
    """Return the stages of the lender whose result was entered last."""
    results = case["lender_results"]
    stage = results[0]["content"]["stage"] if results else None
    present = {"documents": "in_review", "declined": "approved"}.get(stage or "", stage)
    steps = [(request.text("loans.stage.pre"), "done" if case["decision"] or case["table_decision"] else "now")]
    reached = -1 if present is None else LENDER_STEPS.index(present)
    for n, name in enumerate(LENDER_STEPS):
        shown = stage if n == reached and stage in ("documents", "declined") else name
        state = "done" if n < reached else ("ended" if stage == "declined" else "now") if n == reached else "next"
        steps.append((request.text(f"loans.stage.{shown}"), state))
    return steps


def _entry_words(entry: dict[str, Any], request: PageRequest) -> str:
    text, content = request.text, entry["content"]
    person = entry["person"] or "—"
    kind = entry["kind"].partition(".")[2] or entry["kind"]
    if kind in ("decided", "proposed"):
        outcome = text(f"loans.outcome.{content['outcome']}")
        words = text(f"loans.log.{kind}", person=person, outcome=outcome, score=content["score"])
        return (
            words
            if not content.get("first_person")
            else words + text("loans.log.first", person=content["first_person"])
        )
    if kind == "lender_result":
        return text(
            "loans.log.lender_result",
            person=person,
            lender=content["lender"],
            stage=text(f"loans.stage.{content['stage']}"),
        )
    if kind == "plan_saved":
        plan = content["plan"]
        down = format_money(plan["down_payment"], request.language)
        return text("loans.log.plan_saved", person=person, down=down, n=plan["term_months"])
    if kind in ("opened", "submitted", "identity_shown", "values_checked"):
        return text(f"loans.log.{kind}", person=person)
    return text("loans.log.other", person=person)


def _plan_link(request: PageRequest, address: str, offer: dict[str, Any]) -> str:
    values = {"down": f"{offer['down_payment']:.2f}".rstrip("0").rstrip("."), "term": offer["term_months"]}
    return _link(request, address, {**values, "product": offer["product"]})


def _link(request: PageRequest, address: str, values: dict[str, Any]) -> str:
    plan = {name: request.query[name] for name in ("pay", "solve", "age", "confirmed") if request.query.get(name)}
    return f"{address}?{urlencode({**plan, **values})}"


def field_words(field: dict[str, Any], value: Any, request: PageRequest) -> str:
    """Return the value of a field of an application as words, with its unit."""
    language, text = request.language, request.text
    if isinstance(value, bool):
        return text("loans.yes" if value else "loans.no")
    if isinstance(value, str):
        names = {v["value"]: str(v["name"][language]) for v in field["values"]}
        return names.get(value, value)
    if field["unit"] == "yuan":
        amount = format_number(value, 2) if value < 100 else format_money(value, language)
        return text("loans.yuan", amount=amount)
    if field["unit"] in ("months", "days"):
        return text(f"loans.n_{field['unit']}", n=format_number(value))
    return format_number(value, 0 if float(value).is_integer() else 2)
