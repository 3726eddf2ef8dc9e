"""Files that lie where nothing looks for them, that nobody uses, or that are of no kind that is read."""

from __future__ import annotations

import pytest

from portal.procedures.content import from_folder
from tests.builders.content import FILES, changed, small
from tests.procedures.expecting import faults

ANYTHING = {".toml": b"", ".json": small().files[FILES["form/sign"]], ".bpmn": small().files[FILES["record.bpmn"]]}
PLACE = "文件放在了不会读取的位置，或名称不对"
UNUSED = "没有事项用到这个文件"
STRAYS = [
    ("bpmn/demo/regulations.toml", PLACE),
    ("bpmn/demo/grant/procces.bpmn", PLACE),
    ("bpmn/demo/grant/Procedure.toml", PLACE),
    ("bpmn/demo/grant/path/signed.toml", PLACE),
    ("bpmn/demo/_shared/record.bpmn", PLACE),
    ("bpmn/_shared/period/procedure.toml", PLACE),
    ("forms/demo/sign.json", PLACE),
    ("forms/demo/grant/more/sign.json", PLACE),
    ("documents/demo/grant/sign.json", PLACE),
    ("forms/demo/grant/DRAFT.JSON", PLACE),
    ("bpmn/demo/notice/process.bpmn", "清单写了 diagram，用的是共用的图，旁边的 process.bpmn 不起作用"),
    ("bpmn/demo/_shared/other/shared.toml", "没有事项使用或调用这张图，shared.toml 不起作用"),
    ("bpmn/demo/_shared/other/process.bpmn", UNUSED),
    ("bpmn/demo/gone/paths/x.toml", "“gone”不是事项，这个文件不起作用"),
    ("forms/demo/grant/other.json", UNUSED),
    ("forms/demo/_shared/sign2.json", UNUSED),
    ("forms/demo/gone/sign.json", UNUSED),
]


@pytest.mark.parametrize(("path", "what"), STRAYS)
def test_a_file_that_changes_nothing_is_told(path, what):
    data = ANYTHING["." + path.lower().rpartition(".")[2]]
    found = [fault for fault in faults(changed(**{path: data})) if fault.file == path]
    assert [fault.what for fault in found] == [what]
    assert found[0].mend


def test_what_lies_in_the_folder_of_all_regulations_may_be_anothers():
    sound = {
        "forms/_shared/other.json": ANYTHING[".json"],
        "bpmn/_shared/other/process.bpmn": ANYTHING[".bpmn"],
        "bpmn/_shared/other/shared.toml": b"",
        "bpmn/demo/given.toml": b"",
        "bpmn/demo/grant/paths/late/x.toml": b"",
    }
    assert faults(changed(**sound)) == []


def test_files_of_other_kinds_are_told_but_for_notes_and_hidden_ones(tmp_path):
    more = ["grant/process.xml", "grant/paths/signed.tml", "README.md", "grant/.swp", "grant/~$x.docx"]
    for name, data in {**small().files, **{f"bpmn/demo/{name}": b"" for name in more}}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    found = faults(from_folder(tmp_path, "demo"))
    assert [(fault.file, fault.what) for fault in found] == [
        ("bpmn/demo/grant/paths/signed.tml", "这种文件不会被读取"),
        ("bpmn/demo/grant/process.xml", "这种文件不会被读取"),
    ]


def test_a_form_is_named_in_findings_as_its_file_is():
    data = small().files[FILES["form/draft"]].replace(b'"id": "draft"', b'"id": "draught"')
    [fault] = faults(changed(**{"form/draft": data}))
    assert (fault.file, fault.what) == (FILES["form/draft"], "表单的 id“draught”与文件名不同")
    assert fault.mend == '写 "id": "draft"，或把文件改名为 draught.json'


def test_what_is_missing_may_be_put_where_its_users_find_it():
    gone = {"form/notice": None, "form/draft": None, "letter/notice": None}
    assert [fault.mend for fault in faults(changed(**gone))] == [
        "放入 forms/demo/_shared/notice.json；只供本事项用的，放入 forms/demo/notice/notice.json",
        "放入 forms/demo/grant/draft.json",
        "放入 documents/demo/notice/notice.docx",
    ]


def test_while_something_is_missing_nothing_is_called_unused():
    """What is missing may be what lies there under another name."""
    renamed = {"form/draft": None, "forms/demo/grant/draught.json": small().files[FILES["form/draft"]]}
    assert [fault.what for fault in faults(changed(**renamed))] == ["找不到表单“draft”"]
