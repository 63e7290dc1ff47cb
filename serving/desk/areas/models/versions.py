"""A version: its report, what the gate says, and its model card."""

from __future__ import annotations

import json

from ml.report.html import headline
from ml.report.report import Report
from serving.desk.areas.models.figures import GATES
from serving.desk.areas.models.sections import section_parts
from serving.desk.page import Page, PageRequest, View


async def show_version(request: PageRequest) -> View:
    """Answer `GET /desk/models/{name}/versions/{version}`."""
    name, number = request.path["name"], request.path["version"]
    version = await request.ask("GET", f"/v1/models/{name}/versions/{number}")
    report = Report.model_validate(version["report"])
    config = json.dumps(version["card"]["config"], ensure_ascii=False, indent=1, sort_keys=True)
    return request.render(
        "models/version.html",
        version=version,
        gate=GATES[version["row"]["gate"]],
        heading=headline(report, request.language),
        notes=list(report.notes),
        parts=section_parts(report, request.language),
        config=config,
    )


PAGES = (Page("/desk/models/{name}/versions/{version}", "models:read", show_version),)
