"""The form of a task as a page asks it: with the items of a correction that are open, in the language of the page."""

from __future__ import annotations

from portal.cases.live import LiveCase
from portal.cases.models import Task
from portal.cases.names import form_at
from portal.forms import Form
from portal.web.languages import language


def form_asked(case: LiveCase, task: Task) -> Form:
    """The form of a task."""
    return form_at(case, task.inside, task.form, language())
