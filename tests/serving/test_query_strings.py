"""Query parameters: every route refuses unknown and repeated ones, except the probes."""

from __future__ import annotations

import pytest

from ml.registry import endpoints
from serving.asgi import Problem
from serving.endpoints import mounted_endpoints
from serving.query_strings import parse_options, parse_parameters
from tests.serving.in_process import application, ask, problem

PATH = "/v1/credit_risk"
BODY = b'{"amount": 4}'


@pytest.mark.parametrize(
    ("query", "rule", "message"),
    [
        ("explian=true", "unknown_parameter", 'unknown query parameter "explian"; did you mean "explain"?'),
        ("Explain=true", "unknown_parameter", 'unknown query parameter "Explain"; did you mean "explain"?'),
        ("reasons=true", "unknown_parameter", 'unknown query parameter "reasons"; this path has: explain, preview'),
        ("explain=true&v=2", "unknown_parameter", 'unknown query parameter "v"; this path has: explain, preview'),
        ("explain=true&explain=true", "repeated", 'repeated query parameter "explain"; send it once'),
        ("explain=true&explain=false", "repeated", 'repeated query parameter "explain"; send it once'),
    ],
)
def test_a_wrong_parameter_is_named_with_a_remedy(query: str, rule: str, message: str) -> None:
    for path, body in ((PATH, BODY), (PATH, b'{"items": [%b]}' % BODY), (f"{PATH}/batch", b'{"items": [%b]}' % BODY)):
        error = problem(ask(application(), f"{path}?{query}", body), 422)
        assert error["message"] == message
        assert [(d["rule"], d["message"]) for d in error["details"]] == [(rule, message)]


@pytest.mark.parametrize("path", [f"{PATH}/example", "/openapi.json"])
def test_paths_without_parameters_refuse_every_one(path: str) -> None:
    error = problem(ask(application(), f"{path}?explain=true"), 422)
    assert error["message"] == 'unknown query parameter "explain"; this path has no query parameters: leave it out'
    assert ask(application(), path).status_code == 200


def test_an_endpoint_without_reasons_has_no_parameter() -> None:
    mounted = next(m for m in mounted_endpoints() if m.path == "/v1/loans/schedule")
    assert mounted.endpoint.explains is None
    error = problem(ask(application(endpoints=[mounted]), f"{mounted.path}?explain=true", b"{}"), 422)
    assert [d["field"] for d in error["details"]] == ["explain"]


def test_every_endpoint_refuses_a_misspelt_parameter() -> None:
    assert len(list(endpoints())) > 10
    for _, endpoint in endpoints():
        with pytest.raises(Problem):
            parse_options(b"explian=true", explains=endpoint.explains, decides=endpoint.decision is not None)


def test_probes_ignore_parameters_of_load_balancers() -> None:
    assert ask(application(), "/healthz?_=1698765").json() == {"status": "alive"}
    assert ask(application(), "/readyz?_=1698765").status_code == 200
    assert ask(application(), "/metrics?cache=no").status_code == 200


def test_values_are_decoded_and_long_names_are_cut() -> None:
    assert parse_parameters(b"explain=%74rue&", ["explain"]) == {"explain": "true"}
    assert parse_parameters(b"") == {}
    with pytest.raises(Problem) as error:
        parse_parameters(b"x" * 5_000 + b"=1")
    assert len(error.value.message) < 200


@pytest.mark.parametrize("value", ["True", "1", "TRUE", "False", "0"])
def test_spellings_of_true_and_false(value: str) -> None:
    query = f"explain={value}&preview={value}".encode()
    is_true = value.lower() in ("true", "1")
    assert parse_options(query, decides=True) == (is_true, is_true)


def test_yes_is_neither() -> None:
    with pytest.raises(Problem) as error:
        parse_options(b"explain=yes")
    assert error.value.message == "explain: must be true or false"
    with pytest.raises(Problem) as error:
        parse_options(b"preview=yes", decides=True)
    assert error.value.message == "preview: must be true or false"


def test_only_endpoints_that_decide_have_previews() -> None:
    deciding = {f"{name}/{endpoint.path}" for name, endpoint in endpoints() if endpoint.decision is not None}
    assert deciding == {"credit_risk/", "loans/offers"}
    with pytest.raises(Problem) as error:
        parse_options(b"preview=true")
    assert error.value.message == 'unknown query parameter "preview"; this path has: explain'
