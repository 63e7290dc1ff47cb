"""Settings of the service: from a file, from the environment, and handed on to the workers unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.settings import Settings, environment_of, load_settings
from tests.conftest import ROOT


def test_the_shipped_file_has_the_defaults() -> None:
    assert load_settings(ROOT / "configs" / "serving.yaml", environment={}).model_dump() == Settings().model_dump()


def test_workers_read_the_same_settings_whatever_file_they_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "serving.yaml"
    file.write_text("jwt_issuer: https://other.example\ncors_origins: [https://other.example]\n")
    settings = Settings(port=9000, workers=2, tls_key=Path("key.pem"), jwt_role_claim="realm_access.roles")
    assert load_settings(file, environment=environment_of(settings)).model_dump() == settings.model_dump()
    several = Settings(cors_origins=("https://a.example", "http://b.example:8080"), jwt_issuer="https://a.example")
    assert load_settings(environment=environment_of(several)).model_dump() == several.model_dump()


@pytest.mark.parametrize(
    "origins", ["*", "shop.example", "https://shop.example/", "https://a.example https://b.example"]
)
def test_an_origin_is_exact(origins: str) -> None:
    with pytest.raises(ConfigError, match="an origin is a scheme, a host and perhaps a port"):
        load_settings(environment={"CHEHANG_CORS_ORIGINS": origins})


def test_the_url_of_a_store_is_never_quoted() -> None:
    with pytest.raises(ConfigError) as refusal:
        load_settings(environment={"CHEHANG_KEY_STORE": "postgresql://a:secret@b/c", "CHEHANG_PORT": "x"})
    assert "secret" not in str(refusal.value) and "CHEHANG_PORT" in str(refusal.value)


def test_the_stores_are_files_of_the_home_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    assert Settings().key_store == f"sqlite:///{tmp_path}/keys.db"
