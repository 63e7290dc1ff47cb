"""Routes of the models."""

from __future__ import annotations

from serving.work.models.answers import (
    ChangeAnswer,
    ModelDetail,
    ModelList,
    MonitoringAnswer,
    MonitoringChoice,
    PromotionBody,
    RollBackBody,
    VersionAnswer,
)
from serving.work.models.moving import promote_model, roll_back_model
from serving.work.models.reading import list_models, read_model, read_monitoring, read_version
from serving.work.routing import WorkRoute

ROUTES: tuple[WorkRoute, ...] = (
    WorkRoute(
        "GET",
        "/v1/models",
        {"zh": "所有模型：冠军版本、漂移和变更", "en": "All models: champions, drift and changes"},
        list_models,
        ModelList,
    ),
    WorkRoute(
        "GET",
        "/v1/models/{name}",
        {"zh": "一个模型的版本和变更记录", "en": "Versions and changes of a model"},
        read_model,
        ModelDetail,
    ),
    WorkRoute(
        "GET",
        "/v1/models/{name}/versions/{version}",
        {"zh": "一个版本的评估报告和模型卡", "en": "Report and model card of a version"},
        read_version,
        VersionAnswer,
    ),
    WorkRoute(
        "GET",
        "/v1/models/{name}/monitoring",
        {"zh": "一次监控：漂移与校准", "en": "A monitoring run: drift and calibration"},
        read_monitoring,
        MonitoringAnswer,
        parameters=MonitoringChoice,
    ),
    WorkRoute(
        "POST",
        "/v1/models/{name}/promotion",
        {"zh": "把一个版本升为冠军", "en": "Make a version champion"},
        promote_model,
        ChangeAnswer,
        body=PromotionBody,
        example={"version": 2, "reason": "newer data", "expected_champion": 1},
    ),
    WorkRoute(
        "POST",
        "/v1/models/{name}/rollback",
        {"zh": "回退到上一个冠军版本", "en": "Return to the champion before"},
        roll_back_model,
        ChangeAnswer,
        body=RollBackBody,
        example={"reason": "drifted since May", "expected_champion": 2},
    ),
)
