"""The portal with pages, as the tests of pages have it."""

from tests.web.conftest import apps, content, first_release, password_hash, portal, releases, settings

__all__ = ["apps", "content", "first_release", "password_hash", "portal", "releases", "settings"]
