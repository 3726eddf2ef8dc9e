"""The front end: a lock without hosts, colours that can be read, a stamped build, pages that keep the CSP."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from portal.web.assets import DIST, AssetsFault, Manifest, build

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
TEMPLATES = ROOT / "portal/web/templates"

# Text on ground, as the stylesheets put them together; 4.5:1 by WCAG 1.4.3.
TEXT = [
    *(("ink", ground) for ground in ("paper", "ground", "jade-wash", "amber-wash", "red-wash", "green-wash")),
    *(("ink-2", ground) for ground in ("paper", "paper-2", "ground", "neutral-wash", "jade-wash", "violet-wash")),
    *(("ink-3", ground) for ground in ("paper", "paper-2", "ground", "neutral-wash", "jade-wash")),
    *(("jade", ground) for ground in ("paper", "ground", "jade-wash", "amber-wash", "red-wash", "neutral-wash")),
    *(("jade-2", ground) for ground in ("paper", "paper-2", "jade-3", "jade-pale", "jade-wash")),
    ("green", "green-wash"),
    ("green", "paper"),
    ("amber", "amber-wash"),
    ("amber", "paper"),
    ("red", "red-wash"),
    ("red", "paper"),
    ("violet", "violet-wash"),
    ("paper", "jade"),
    ("paper", "jade-2"),
    ("paper", "red"),
    ("paper", "bar"),
    ("ink", "amber-mark"),
    ("ink", "amber-3"),
    ("bar-text", "bar"),
    ("bar-hint", "bar"),
    ("bar-hint", "bar-field"),
]
# Borders of what is filled in, lines that carry meaning, the focus ring's dark half; 3:1 by WCAG 1.4.11.
LINES = [
    ("edge", "paper"),
    ("edge", "ground"),
    ("jade", "paper"),
    ("diagram-line", "paper"),
    ("focus", "ink"),
]


def tokens() -> dict[str, str]:
    css = (FRONTEND / "src/css/tokens.css").read_text()
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", css))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(tokens()[one]), luminance(tokens()[other])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_can_be_read(text, ground):
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize(("line", "ground"), LINES)
def test_what_is_not_text_can_be_seen(line, ground):
    assert contrast(line, ground) >= 3


def test_every_colour_a_stylesheet_names_is_a_token():
    known = set(re.findall(r"--([\w-]+):", (FRONTEND / "src/css/tokens.css").read_text()))
    used = {n for f in (FRONTEND / "src").rglob("*.css") for n in re.findall(r"var\(--([\w-]+)\)", f.read_text())}
    assert used <= known


def test_stylesheets_load_nothing_the_policy_forbids():
    for file in (FRONTEND / "src").rglob("*.css"):
        assert "url(" not in file.read_text(), file


def test_the_lock_names_no_host():
    lock = (FRONTEND / "package-lock.json").read_text()
    assert "://" not in lock
    assert '"resolved"' not in lock


def test_the_lock_vouches_for_every_package():
    packages = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package for path, package in packages.items() if path)


def test_dependencies_are_pinned_exactly():
    package = json.loads((FRONTEND / "package.json").read_text())
    pinned = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned.values())
    locked = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    assert all(locked[f"node_modules/{name}"]["version"] == version for name, version in pinned.items())


def write_manifest(folder: Path, names: dict[str, str], changed: int) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps(names))
    os.utime(file, (changed, changed))


def test_the_manifest_gives_addresses_and_notices_a_rebuild(tmp_path):
    write_manifest(tmp_path, {"app.css": "app-ONE.css"}, changed=1)
    manifest = Manifest(tmp_path)
    assert manifest.url("app.css") == "/static/dist/app-ONE.css"
    write_manifest(tmp_path, {"app.css": "app-TWO.css"}, changed=2)
    assert manifest.url("app.css") == "/static/dist/app-TWO.css"


def test_a_name_the_manifest_does_not_hold_is_a_fault(tmp_path):
    with pytest.raises(AssetsFault, match=r"python -m portal\.web\.assets"):
        Manifest(tmp_path).url("app.css")
    write_manifest(tmp_path, {}, changed=1)
    with pytest.raises(AssetsFault, match=r"app\.css"):
        Manifest(tmp_path).url("app.css")


@pytest.fixture
def checkout(tmp_path):
    """A front end without packages, whose build needs nothing but Node."""
    frontend = tmp_path / "frontend"
    (frontend / "src").mkdir(parents=True)
    (frontend / "package.json").write_text('{"name": "x"}')
    (frontend / "package-lock.json").write_text('{"name": "x", "lockfileVersion": 3, "packages": {"": {}}}')
    (frontend / "src/app.css").write_text("one")
    (frontend / "build.mjs").write_text(
        """
        import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
        const out = '../portal/web/static/dist', text = readFileSync('src/app.css', 'utf8');
        if (text === 'broken') throw new Error('broken on purpose');
        mkdirSync(out, { recursive: true });
        writeFileSync(`${out}/app-${text}.css`, text);
        writeFileSync(`${out}/manifest.json`, JSON.stringify({ 'app.css': `app-${text}.css` }));
        """
    )
    return tmp_path


def test_a_build_runs_when_something_changed_and_keeps_the_old_files(checkout):
    said: list[str] = []
    build(checkout, said.append)
    assert [line.split(":")[1].split()[0] for line in said] == [
        "installing",
        "installing",
        "bundling",
        "bundling",
    ]

    said.clear()
    build(checkout, said.append)
    assert said == ["assets: up to date"]

    said.clear()
    (checkout / "frontend/src/app.css").write_text("two")
    files = build(checkout, said.append)
    assert "installing" not in "".join(said)
    assert checkout / DIST / "app-two.css" in files
    assert checkout / DIST / "app-one.css" not in files
    assert (checkout / DIST / "app-one.css").exists()


def test_a_failed_build_says_why_and_is_tried_again(checkout):
    (checkout / "frontend/src/app.css").write_text("broken")
    for _ in range(2):
        with pytest.raises(AssetsFault, match="broken on purpose"):
            build(checkout, lambda line: None)


INLINE = {
    "a style attribute": r"<[^>]*\sstyle\s*=",
    "a style element": r"<style\b",
    "an inline script": r"<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/(?:xml|json)\")",
    "an event attribute": r"<[^>]*\son[a-z]+\s*=",
    "a javascript address": r"=\s*[\"']?javascript:",
    "evaluated htmx": r"\bhx-(?:on|vals=[\"']js:)",
}


@pytest.mark.parametrize("what", INLINE)
def test_no_template_breaks_the_content_security_policy(what):
    templates = sorted(TEMPLATES.rglob("*.html"))
    assert templates
    found = [str(t.relative_to(ROOT)) for t in templates if re.search(INLINE[what], t.read_text(), re.IGNORECASE)]
    assert found == [], what
