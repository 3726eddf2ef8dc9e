"""What pages need beside the machine behind every request: the built assets, the key of cookies, a demo's accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app
from sqlalchemy.orm import Session

from portal.edge.machine import EXTENSION, Machine
from portal.procedures import Releases

if TYPE_CHECKING:
    from portal.web.assets import Manifest  # `python -m portal.web.assets` runs that module itself


@dataclass(frozen=True)
class DemoAccount:
    """An account that the sign-in page of a demo offers: its password is no secret.

    `place`: the region where somebody is, empty for the whole portal; `office`: whether he works for an authority.
    """

    login: str
    password: str
    name: str
    role: str
    place: str
    office: bool


Accounts = Callable[[Releases, Session], Sequence[DemoAccount]]
"""Who can sign in to a demo as things are."""


def _nobody(releases: Releases, tx: Session) -> Sequence[DemoAccount]:
    return ()


@dataclass(frozen=True)
class Pages(Machine):
    """The machine behind pages; `secret_key` signs cookies and forms."""

    assets: Manifest
    secret_key: str
    demo_accounts: Accounts = _nobody


def pages() -> Pages:
    """The machine behind the page that is asked for."""
    return cast(Pages, current_app.extensions[EXTENSION])
