"""Elements of SVG and places of labels."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from serving.desk.charts import drawing
from serving.desk.charts.drawing import NARROWEST, anchor_at, short, spread_labels, text_width, words


@given(st.floats(-1e5, 1e5))
def test_coordinates_are_short_and_close(value: float) -> None:
    assert abs(float(short(value)) - value) <= 0.00501
    assert re.fullmatch(r"-?\d+(\.\d{1,2})?", short(value))


@given(st.lists(st.text("五月Jun 25", max_size=9), min_size=1, max_size=30))
def test_labels_of_an_axis_never_overlap_and_the_last_stays(texts: list[str]) -> None:
    places = [i / max(len(texts) - 1, 1) for i in range(len(texts))]
    shown = spread_labels(places, texts)
    edges = [_edges(places[i], texts[i]) for i in shown]
    assert all(a[1] <= b[0] for a, b in pairwise(edges))
    assert not texts[-1] or len(texts) - 1 in shown


def _edges(share: float, text: str) -> tuple[float, float]:
    size, x = text_width(text), share * NARROWEST
    left = {"start": x, "middle": x - size / 2, "end": x - size}[anchor_at(share, text)]
    return left, left + size


def test_texts_are_escaped() -> None:
    assert words("<script>", 0, 1) == '<text x="0" y="1">&lt;script&gt;</text>'
    assert drawing.image('"', "", height=1).count("&quot;") == 1
