"""What lies in a content folder beside every regulation is told once, with the number of files."""

from __future__ import annotations

import pytest

from portal.commands.content import check_command
from portal.procedures.checks import strays
from portal.procedures.checks.files import EXPECTED, MISPLACED
from portal.settings import Settings
from tests.builders.content import small

MOVE = "放入 bpmn/{}/regulation.toml，或移到法规的文件夹或 _shared 里"


@pytest.fixture
def folder(tmp_path):
    put(tmp_path, *small().files.items())
    return tmp_path


def put(folder, *files):
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def told(folder):
    return [(fault.file, fault.what, fault.mend) for fault in strays.faults(folder)]


def test_a_whole_folder_is_clean(folder):
    put(folder, ("documents/README.md", b""), ("forms/.keep", b""), ("README.txt", b""), ("notes/x.toml", b""))
    assert told(folder) == []


@pytest.mark.parametrize("file", ["bpmn/process.bpmn", "forms/sign.json", "documents/x.docx", "forms/x.txt"])
def test_a_file_beside_all_folders_is_told(folder, file):
    put(folder, (file, b""))
    assert told(folder) == [(file, MISPLACED, EXPECTED[file.partition("/")[0]])]


@pytest.mark.parametrize(
    ("files", "place", "what", "mend"),
    [
        (["bpmn/shared/redo-notice/process.bpmn"], "bpmn/shared", "shared", "是否应为“_shared”？" + MOVE),
        (["forms/beijing/x/sign.json"], "forms/beijing", "beijing", MOVE),
        (["bpmn/beijing/given.toml"], "bpmn/beijing", "beijing", MOVE),
        (["documents/dema/grant/x.docx"], "documents/dema", "dema", "是否应为“demo”？" + MOVE),
        (
            ["bpmn/bj/regulations.toml", "bpmn/bj/allocation/procedure.toml", "forms/bj/allocation/x.json"],
            "bpmn/bj",
            "bj",
            "把 regulations.toml 改名为 regulation.toml",
        ),
    ],
)
def test_a_folder_of_no_regulation_is_told_once(folder, files, place, what, mend):
    put(folder, *((file, b"") for file in files))
    number = sum(file.startswith(f"{place}/") for file in files)
    said = f"“{what}”不是法规（没有 bpmn/{what}/regulation.toml），其中的 {number} 个文件都不会被读取"
    assert told(folder) == [(place, said, mend.format(what))]


def test_the_command_tells_them_wherever_in_the_folder_it_looks(folder, capsys):
    put(folder, ("forms/sign.json", b""))
    of_settings = Settings.read({"PORTAL_CONTENT": str(folder)})
    elsewhere = Settings.read({})
    for settings, given in ((elsewhere, folder), (elsewhere, folder / "bpmn" / "demo"), (of_settings, None)):
        assert check_command(settings, given, as_json=False) == 1
        assert (
            capsys.readouterr()
            .out.splitlines()[0]
            .startswith("forms/sign.json：文件放在了不会读取的位置，或名称不对（")
        )


def test_a_path_that_cannot_be_read_is_told_once(folder, capsys):
    put(folder, ("bpmn/demo/grant/paths/x.toml", 'title = "核定"'.encode("gbk")))
    check_command(Settings.read({}), folder, as_json=False)
    assert capsys.readouterr().out.count("grant/paths/x.toml") == 1
