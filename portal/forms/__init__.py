"""Forms: reading their definition, checking answers on the server, and what a page shows of them.

`read` gives a `Form` or `ContentFaults`; `Form.check`, `.typed`, `.prefill`, `.view`, `.display`
do the rest.
A browser's post goes through `posted` first; `REFRESH` in it asks only for the form to be shown anew.
"""

from __future__ import annotations

from portal.forms.answers import REFRESH, UPLOAD, Choices, FieldError, Option, posted
from portal.forms.form import Checked, Form, Shown
from portal.forms.reading import PROTECTED, read
from portal.forms.tree import Field
from portal.forms.views import FieldView, FormView

__all__ = [
    "PROTECTED",
    "REFRESH",
    "UPLOAD",
    "Checked",
    "Choices",
    "Field",
    "FieldError",
    "FieldView",
    "Form",
    "FormView",
    "Option",
    "Shown",
    "posted",
    "read",
]
