"""Pages of the models: the list, a model, a version, a monitoring run, and the change of a champion."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

import polars as pl
import pytest

from ml.champions import champion_number, history
from serving.desk.areas import models
from serving.desk.areas.models import changes, drift, overview, versions
from serving.desk.page import Page
from tests.ml.champions.registry import TASK, store_gate_result
from tests.serving.desk.areas.models.conftest import Pages
from tests.serving.work.models.conftest import write_monitoring

PagesOf = Callable[[str], Pages]
MODEL = f"/desk/models/{TASK}"


def heading(html: str) -> str:
    """Return the words of the only heading of the first level."""
    (words,) = re.findall(r"<h1>(.*?)</h1>", html)
    return str(words)


def test_every_page_is_registered_and_a_change_needs_the_scope_to_write() -> None:
    """All that changes something is in `changes`."""
    parts: list[Page] = [*overview.PAGES, *versions.PAGES, *drift.PAGES, *changes.PAGES]
    assert list(models.PAGES) == parts
    assert {page.scope for page in changes.PAGES} == {"models:write"}
    assert {page.method for page in models.PAGES if page.scope == "models:read"} == {"GET"}


def test_the_list_names_the_model_that_needs_attention(pages_of: PagesOf) -> None:
    """Without champions of five tasks these come first; the commands that train them are shown."""
    html = pages_of("manager").get("/desk/models").text
    assert heading(html) == "5 models need attention: Recommendation first"
    assert "chehang train recommendation" in html and f"chehang monitor {TASK}" in html
    assert "Lead scoring: version 2 replaced version 1" not in html
    assert "Lead scoring: li.wei replaced version 1 by version 2" in html


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "第 2 版替换第 1 版（li.wei）"), ("en", "Primary metric (test rows)")]
)
def test_the_list_is_written_in_both_languages(language: str, words: str, pages_of: PagesOf) -> None:
    """The metric stands with its interval and baseline."""
    html = pages_of("manager").get("/desk/models", language).text
    assert words in html and "0.6800" in html and "0.7800" in html and "0.5000" in html


def test_a_drifted_model_says_since_when_and_what_to_do(pages_of: PagesOf) -> None:
    """The chart of the series has its reference and its band; the advice is that of the monitor."""
    pages = pages_of("data_scientist")
    write_monitoring(pages.home, number=2)
    html = pages.get(MODEL).text
    assert heading(html) == "Lead scoring: drifted since June 2025, 1 of 4 series beyond chance"
    assert "Check the source first." in html and "mean 0.30 → 0.42" in html and "reference 0.30" in html
    assert 'class="button main" href="/desk/models/lead_scoring/promotion?version=3"' in html
    assert "Roll back to version 1" in html


def test_a_model_whose_predictions_are_worse_offers_the_return_first(pages_of: PagesOf) -> None:
    """The main action is the return, although a challenger passed the gate."""
    pages = pages_of("data_scientist")
    write_monitoring(pages.home, number=2, status="performance")
    html = pages.get(MODEL).text
    assert heading(html) == "Lead scoring: predictions no longer fit the outcomes since June 2025"
    assert 'class="button main" href="/desk/models/lead_scoring/rollback"' in html


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("quiet", "Lead scoring: nothing beyond chance among 4 series in June 2025"),
        (None, "Lead scoring: not yet checked whether it still holds"),
    ],
)
def test_the_heading_is_the_answer(status: str | None, words: str, pages_of: PagesOf) -> None:
    """A model that nobody monitored is not called good."""
    pages = pages_of("manager")
    if status is not None:
        write_monitoring(pages.home, number=2, status=status)
    assert heading(pages.get(MODEL).text) == words


def test_a_task_without_versions_says_what_to_run(pages_of: PagesOf) -> None:
    """No figure is shown."""
    response = pages_of("manager").get("/desk/models/fault_rate")
    assert response.status_code == 200 and heading(response.text) == "Fault rate: no version answers yet"
    assert "chehang train fault_rate" in response.text


def test_a_manager_reads_and_cannot_change(pages_of: PagesOf) -> None:
    """No button is shown, and the address of the form is refused with the roles that may."""
    pages = pages_of("manager")
    assert "rollback" not in pages.get(MODEL).text
    refusal = pages.get(f"{MODEL}/rollback")
    assert refusal.status_code == 403 and "Data scientist" in refusal.text


def test_a_return_needs_a_reason_and_then_shows_what_happened(pages_of: PagesOf) -> None:
    """The form keeps what was typed; after it the history has name and reason."""
    pages = pages_of("data_scientist")
    form = pages.get(f"{MODEL}/rollback").text
    assert heading(form) == "Lead scoring: go back from version 2 to version 1?"
    assert "0.7200" in form and "0.7100" in form  # both versions side by side
    refusal = pages.post(f"{MODEL}/rollback", {"reason": " ", "expected_champion": "2"})
    assert refusal.status_code == 422 and "Say why" in refusal.text and champion_number(TASK) == 2
    response = pages.post(f"{MODEL}/rollback", {"reason": "drifted since June", "expected_champion": "2"})
    assert (response.status_code, response.headers["location"]) == (303, f"{MODEL}?notice=models.notice.rolled_back")
    html = pages.get(response.headers["location"]).text
    assert "Rolled back; in force within seconds." in html and "Reason: drifted since June" in html
    assert history(TASK)[-1].who == "Lin Yue"


def test_a_version_that_failed_the_gate_is_promoted_by_force_alone(pages_of: PagesOf) -> None:
    """The failed check is shown before and after the refusal."""
    pages = pages_of("admin")
    store_gate_result(3, 2, passed=False)
    form = pages.get(f"{MODEL}/promotion?version=3").text
    assert "roc_auc beats the champion" in form and "gain: +0.1 [0.05, 0.15]" in form and 'name="force"' in form
    data = {"version": "3", "reason": "newer product", "expected_champion": "2"}
    refusal = pages.post(f"{MODEL}/promotion", data)
    assert (
        refusal.status_code == 409 and "the gate does not allow it" in refusal.text and "newer product" in refusal.text
    )
    assert pages.post(f"{MODEL}/promotion", {**data, "force": "true"}).status_code == 303
    assert champion_number(TASK) == 3 and "forced past the gate" in pages.get(MODEL).text


def test_a_passed_version_needs_no_force_and_an_outdated_one_says_what_to_run(pages_of: PagesOf) -> None:
    """The gate compared version 1 with no champion at all."""
    pages = pages_of("data_scientist")
    assert 'name="force"' not in pages.get(f"{MODEL}/promotion").text
    assert f"chehang promote {TASK} --version 1" in pages.get(f"{MODEL}/promotion?version=1").text


def test_a_champion_that_somebody_else_changed_is_not_replaced(pages_of: PagesOf) -> None:
    """The page shows the present state."""
    refusal = pages_of("data_scientist").post(
        f"{MODEL}/promotion", {"version": "3", "reason": "newer", "expected_champion": "1"}
    )
    assert refusal.status_code == 409 and "somebody else has just changed the champion" in refusal.text


@pytest.mark.parametrize("path", [f"{MODEL}/promotion?version=2", f"{MODEL}/promotion?version=9", "/desk/models/x"])
def test_what_does_not_exist_is_not_found(path: str, pages_of: PagesOf) -> None:
    """The champion itself cannot be promoted either."""
    assert pages_of("data_scientist").get(path).status_code == 404


def test_a_version_shows_its_report_and_its_gate(pages_of: PagesOf) -> None:
    """The heading is the primary metric."""
    html = pages_of("manager").get(f"{MODEL}/versions/2").text
    assert heading(html).startswith("Lead scoring: area under the ROC curve (AUC) 0.7200 (95% interval")
    assert "By store" in html and "20.0%" in html and "gain: +0.1 [0.05, 0.15]" in html


def test_all_series_of_a_run_can_be_saved(pages_of: PagesOf) -> None:
    """Headings are words of the page."""
    pages = pages_of("manager")
    write_monitoring(pages.home, number=2)
    html = pages.get(f"{MODEL}/drift?series=calibration").text
    assert heading(html) == "Lead scoring: 1 series beyond chance in June 2025"
    assert "title of calibration" in html and "Not tested" in html
    table = pl.read_csv(BytesIO(pages.get(f"{MODEL}/drift?export=csv").content))
    assert table.height == 5 and table["Verdict"].to_list().count("Beyond chance") == 1
    assert pl.read_csv(BytesIO(pages.get(f"{MODEL}?export=csv").content)).height == 3
    assert pl.read_csv(BytesIO(pages.get("/desk/models?export=csv").content)).height == 6


def test_a_model_without_runs_has_a_page_that_says_so(pages_of: PagesOf) -> None:
    """Asked for by its address, a month without a run is not found."""
    assert pages_of("manager").get(f"{MODEL}/drift?month=2020-01").status_code == 404
