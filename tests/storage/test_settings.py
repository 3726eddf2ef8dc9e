"""What the environment may say, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.settings import S3Settings, Settings, WrongSetting

S3 = {"S3_ENDPOINT": "https://s3.example.cn:8333/", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "hidden"}


def test_nothing_said_means_an_embedded_installation_in_production():
    settings = Settings.read({})
    assert settings.home == Path(".portal")
    assert settings.public_url == "http://127.0.0.1:8000"
    assert (settings.database_url, settings.s3, settings.secret_key, settings.demo) == (
        None,
        None,
        None,
        False,
    )


def test_the_object_store_is_read_whole():
    assert Settings.read(S3).s3 == S3Settings("s3.example.cn:8333", "key", "hidden")
    insecure = Settings.read({**S3, "S3_ENDPOINT": "http://minio:9000", "S3_BUCKET": "files"}).s3
    assert insecure == S3Settings("minio:9000", "key", "hidden", "files", secure=False)


def test_proxies_are_counted_and_usually_there_is_none():
    assert Settings.read({}).proxies == 0
    assert Settings.read({"PROXIES": "0"}).proxies == 0
    assert Settings.read({"PROXIES": "2"}).proxies == 2


def test_secrets_are_not_shown():
    environ = {**S3, "SECRET_KEY": "hidden", "DATABASE_URL": "postgresql://portal:hidden@db/portal"}
    assert "hidden" not in repr(Settings.read(environ))


@pytest.mark.parametrize(
    "environ",
    [
        {"PORT": "http"},
        {"PORT": "70000"},
        {"PORTAL_DEMO": "maybe"},
        {"PUBLIC_URL": "portal.example.cn"},
        {"DATABASE_URL": "mysql://portal:hidden@db/portal"},
        {"DATABASE_URL": "db:5432"},
        {"UPLOAD_MEGABYTES": "0"},
        {"PROXIES": "-1"},
        {"S3_ENDPOINT": "s3:9000"},
    ],
)
def test_what_cannot_be_used_is_named(environ):
    with pytest.raises(WrongSetting, match="S3_ACCESS_KEY|" + next(iter(environ))):
        Settings.read(environ)
