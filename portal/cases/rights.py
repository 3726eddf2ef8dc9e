"""Whether a person may act in the name of his organisation, or only look."""

from __future__ import annotations

from portal.cases.errors import MayOnlyRead
from portal.identity import Actor


def check_may_file(actor: Actor) -> None:
    """Raises MayOnlyRead for one of an organisation who may not file, answer or sign in its name."""
    if not actor.official and not actor.may_file:
        raise MayOnlyRead()
