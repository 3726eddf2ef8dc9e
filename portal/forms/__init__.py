"""Forms: reading their definition, checking answers on the server, and what a page shows of them.

`read` gives a `Form` or `ContentFaults`; `Form.check`, `.typed`, `.prefill`, `.view`, `.display`
and `.pages` do the rest. A form with corrections is told the form it corrects (`correcting`), and laid out for a case
(`opened`) before anybody is asked.
A browser's post goes through `posted` first; `REFRESH` in it asks only for the form to be shown anew.
"""

from __future__ import annotations

from portal.forms.answers import PRESSED, REFRESH, ROWS, SHEET, UPLOAD, Choices, FieldError, Option, posted
from portal.forms.form import Checked, Form, Shown
from portal.forms.opening import correcting, opened
from portal.forms.pages import Page
from portal.forms.reading import PROTECTED, read
from portal.forms.tree import Field
from portal.forms.views import FIRST_ROWS, PAGE_ROWS, ChangeView, FieldView, FormView, ItemView, TableShown

__all__ = [
    "FIRST_ROWS",
    "PAGE_ROWS",
    "PRESSED",
    "PROTECTED",
    "REFRESH",
    "ROWS",
    "SHEET",
    "UPLOAD",
    "ChangeView",
    "Checked",
    "Choices",
    "Field",
    "FieldError",
    "FieldView",
    "Form",
    "FormView",
    "ItemView",
    "Option",
    "Page",
    "Shown",
    "TableShown",
    "correcting",
    "opened",
    "posted",
    "read",
]
