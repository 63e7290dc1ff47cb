"""The documentation of the interface, and the phone's page of areas."""

from __future__ import annotations

from serving.desk.areas import interface, more
from tests.serving.in_process import application, ask


def test_swagger_ui_comes_from_this_server_with_the_document_of_this_server() -> None:
    """The page names no other host; its scripts are files of the desk."""
    app = application()
    page = ask(app, "/desk/docs")
    assert page.status_code == 200 and "swagger-ui-bundle.js" in page.text and "//" not in page.text.replace("://", "")
    assert page.headers["content-security-policy"] == interface.POLICY
    assert "script-src 'self';" in interface.POLICY
    document = ask(app, "/desk/openapi.json").json()
    assert document["openapi"].startswith("3.1") and "/v1/applications" in document["paths"]
    script = ask(app, "/desk/static/swagger-ui-bundle.js")
    assert script.status_code == 200 and len(script.content) > 500_000


def test_the_areas_without_a_tab_are_one_tap_away() -> None:
    """Stock has no tab on a phone."""
    page = ask(application(), "/desk/more")
    assert 'href="/desk/stock"' in page.text
    assert [p.path for p in more.PAGES] == ["/desk/more"]
