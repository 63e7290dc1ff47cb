"""Words and figures of the models."""

from __future__ import annotations

from ml.report.metric_titles import metric_axis
from serving.desk.areas.models.figures import GATES, STATES, figure_text, interval_text
from serving.desk.catalogue import catalogue
from serving.work.models.answers import GateState, ModelState


def test_every_state_has_words_in_both_languages() -> None:
    """A state that the endpoints may say has words on the pages."""
    assert set(STATES) == set(ModelState.__args__) and set(GATES) == set(GateState.__args__)  # type: ignore[attr-defined]
    texts = catalogue().texts
    assert all(choice.key in texts for choice in (*STATES.values(), *GATES.values()))


def test_a_figure_has_its_unit() -> None:
    """In the language of the page."""
    unit = metric_axis("mean_absolute_error").unit
    metric = {"format": "amount", "unit": None if unit is None else unit.model_dump(), "low": None, "high": 1.0}
    assert (figure_text(4_325.2, metric, "zh"), figure_text(4_325.2, metric, "en")) == ("4,325 元", "4,325 yuan")
    assert interval_text(metric, "en") == ""
