"""The kinds of component there are: form-js types, and domain kinds named by `properties.kind`."""

from __future__ import annotations

from portal.forms.kinds.amount import Amount
from portal.forms.kinds.base import Kind
from portal.forms.kinds.checkbox import Checkbox
from portal.forms.kinds.checklist import Checklist
from portal.forms.kinds.corrections import Corrections
from portal.forms.kinds.datetime import Day
from portal.forms.kinds.filepicker import FilePicker
from portal.forms.kinds.group import Group
from portal.forms.kinds.identity import Identity
from portal.forms.kinds.number import Number
from portal.forms.kinds.party import Party
from portal.forms.kinds.radio import Radio
from portal.forms.kinds.select import Select
from portal.forms.kinds.table import Table
from portal.forms.kinds.text import StaticText
from portal.forms.kinds.textarea import TextArea
from portal.forms.kinds.textfield import TextField
from portal.forms.kinds.uscc import Uscc
from portal.forms.kinds.year import Year

KINDS: dict[str, type[Kind]] = {
    "textfield": TextField,
    "textarea": TextArea,
    "number": Number,
    "select": Select,
    "radio": Radio,
    "checkbox": Checkbox,
    "checklist": Checklist,
    "datetime": Day,
    "filepicker": FilePicker,
    "group": Group,
    "text": StaticText,
    "uscc": Uscc,
    "identity": Identity,
    "party": Party,
    "year": Year,
    "amount": Amount,
    "table": Table,
    "corrections": Corrections,
}

NOT_BUILT = {
    "dynamiclist": "重复组",
    "table": "form-js 的只读表格",
    "taglist": "标签列表",
    "html": "HTML",
    "image": "图片",
    "iframe": "嵌入网页",
    "button": "按钮（由门户提供）",
    "separator": "分隔线",
    "spacer": "空白",
    "expression": "计算字段",
    "documentPreview": "文件预览",
}
"""Types of form-js that the portal does not have, by what an analyst calls them."""
