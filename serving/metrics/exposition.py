"""The text that Prometheus reads: the counts of all workers together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from serving.metrics.families import Counter, Family, Gauge, Histogram, Registry
from serving.metrics.processes import process_samples

LOST_SERIES = "chehang_metrics_lost_series"
Labels = tuple[tuple[str, str], ...]


def exposition(registry: Registry) -> bytes:
    """Return the metrics of all workers in the Prometheus text format 0.0.4, in UTF-8.

    Parameters
    ----------
    registry : Registry
        Of this worker; it reads the slots of the others too.

    Examples
    --------
    >>> registry = Registry()
    >>> requests = Counter(registry, "requests", "Number of requests", ["route"])
    >>> requests.add(2, "/healthz")
    >>> print(exposition(registry).decode())
    # HELP requests_total Number of requests
    # TYPE requests_total counter
    requests_total{route="/healthz"} 2.0
    # HELP chehang_metrics_lost_series ...
    """
    lines: list[str] = []
    series = _series(registry)
    for family in registry.families.values():
        lines += _family_lines(family, series[family.name])
    lines += [
        f"# HELP {LOST_SERIES} Number of series that are not counted, because the memory for them is full",
        f"# TYPE {LOST_SERIES} gauge",
        sample(LOST_SERIES, (), sum(slot.lost_series for slot in registry.slots)),
    ]
    for name, kind, text, values in process_samples(registry):
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        lines += [sample(name, (("worker", worker),) if worker else (), value) for worker, value in values]
    return ("\n".join(lines) + "\n").encode()


def _series(registry: Registry) -> dict[str, dict[tuple[str, ...], list[tuple[int, list[float]]]]]:
    """Return worker and numbers of each series of each family; of gauges, those that count."""
    series: dict[str, dict[tuple[str, ...], list[tuple[int, list[float]]]]] = {name: {} for name in registry.families}
    widths = registry.widths
    for number, slot in enumerate(registry.slots, 1):
        worker = registry.worker if len(registry.slots) == 1 else number
        is_alive = slot is registry.slot or slot.has_process
        for name, position in slot.series(widths):
            family_name, *labels = name.split("\x1f")
            family = registry.families[family_name]
            numbers = list(slot.numbers[position : position + family.width])
            if isinstance(family, Gauge) and (math.isnan(numbers[0]) or not (is_alive or family.across == "max")):
                continue
            series[family_name].setdefault(tuple(labels), []).append((worker, numbers))
    return series


def _family_lines(family: Family, series: dict[tuple[str, ...], list[tuple[int, list[float]]]]) -> Iterator[str]:
    name = f"{family.name}_total" if isinstance(family, Counter) else family.name
    yield f"# HELP {name} {family.text}"
    yield f"# TYPE {name} {family.kind}"
    if not series and not family.labels and isinstance(family, Counter):
        yield f"{name} 0.0"  # a rate can be computed from its first increase on
    for values, parts in sorted(series.items()):
        labels: Labels = tuple(zip(family.labels, values, strict=True))
        if isinstance(family, Histogram):
            yield from _histogram_lines(
                family, labels, [sum(column) for column in zip(*(p for _, p in parts), strict=True)]
            )
        elif isinstance(family, Gauge) and family.across == "worker":
            for worker, numbers in parts:
                yield sample(name, (*labels, ("worker", str(worker))), numbers[0])
        else:
            combine = {"min": min, "max": max}.get(getattr(family, "across", "sum"), sum)
            yield sample(name, labels, combine([numbers[0] for _, numbers in parts]))


def _histogram_lines(family: Histogram, labels: Labels, numbers: Sequence[float]) -> Iterator[str]:
    count = 0.0
    for bound, number in zip((*map(float, family.bounds), math.inf), numbers, strict=False):
        count += number
        yield sample(f"{family.name}_bucket", (*labels, ("le", "+Inf" if bound == math.inf else repr(bound))), count)
    yield sample(f"{family.name}_sum", labels, numbers[-1])
    yield sample(f"{family.name}_count", labels, count)


def sample(name: str, labels: Labels, value: float) -> str:
    r"""Return the line of one sample.

    >>> sample("age", (("file", 'a"b'),), 3.5)
    'age{file="a\\"b"} 3.5'
    """
    pairs = ",".join(f'{label}="{_escape(text)}"' for label, text in labels)
    return f"{name}{{{pairs}}} {float(value)!r}" if pairs else f"{name} {float(value)!r}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
