"""An upgrade without a stop: after each step of the schema the release before still works.

A step only adds. What takes something away comes a release later, when nobody uses it any more, and says so:
`CONTRACT = "what is taken away, and since when it is unused"`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field

import psycopg
import pytest

from portal.db import Base, migrations

FIRST = 5
"""Steps before it were made before anybody ran two releases side by side."""
STEPS = sorted(path.stem for path in migrations.FOLDER.glob("versions/0*.py"))
COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           a.attidentity <> '' OR d.adbin IS NOT NULL, pg_get_expr(d.adbin, d.adrelid)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
"""
RULES = """
    SELECT conrelid::regclass::text, conname, contype::text, pg_get_expr(conbin, conrelid),
           ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
       AND contype IN ('c', 'u', 'p', 'f')
    UNION ALL
    SELECT i.indrelid::regclass::text, x.relname, 'u', NULL,
           ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = i.indrelid AND attnum = ANY (i.indkey))
      FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
     WHERE i.indisunique AND x.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT tgrelid::regclass::text, tgname, 't', NULL, '{}' FROM pg_trigger WHERE NOT tgisinternal
"""


@dataclass(frozen=True)
class Column:
    type: str
    needed: bool
    given: bool
    default: str | None


@dataclass
class Schema:
    """What a step finds or leaves."""

    columns: dict[str, dict[str, Column]] = field(default_factory=dict)
    rules: dict[tuple[str, str], tuple[str, str | None, frozenset[str]]] = field(default_factory=dict)


def schema_of(url: str) -> Schema:
    found = Schema()
    with psycopg.connect(url) as connection:
        for table, name, *rest in connection.execute(COLUMNS):
            found.columns.setdefault(table, {})[name] = Column(*rest)
        for table, name, kind, rule, of in connection.execute(RULES):
            found.rules[table, name] = (kind, rule, frozenset(of))
    return found


def breaks(url: str, before: Schema, after: Schema) -> list[str]:
    """What the release before cannot work with."""
    faults = [f"{table} is gone" for table in before.columns if table not in after.columns]
    for table, old in before.columns.items():
        new = after.columns.get(table, {})
        faults += [f"{table}.{name} is gone" for name in old if name not in new]
        for name, column in new.items():
            was = old.get(name)
            if was is None and column.needed and not column.given:
                faults.append(f"{table}.{name} is new and must be given")
            elif was is not None and (column.type != was.type or (column.needed and not was.needed)):
                faults.append(f"{table}.{name} was {was.type} and is {column.type}, or must be given now")
    for (table, name), (kind, rule, of) in after.rules.items():
        if table not in before.columns or (table, name) in before.rules:
            continue
        old = before.columns[table]
        unique_before = any(k in "pu" and o <= of and t == table for (t, _), (k, _r, o) in before.rules.items() if o)
        fresh = bool(of - old.keys())
        kept = fresh if kind in "pf" else fresh or unique_before
        if kind == "c" and rule is not None:
            kept = holds_for_the_old(url, rule, old, after.columns[table])
        if not kept:
            faults.append(f"{name} on {table} is a new rule for what the release before writes")
    return faults


def holds_for_the_old(url: str, rule: str, old: dict[str, Column], now: dict[str, Column]) -> bool:
    """Whether a check holds whatever the old columns say: they are unknown, the new ones as they are by default."""
    values = [
        f'{"NULL" if name in old or column.default is None else column.default}::{column.type} AS "{name}"'
        for name, column in now.items()
    ]
    with psycopg.connect(url) as connection:
        [said] = connection.execute(f"SELECT ({rule}) FROM (SELECT {', '.join(values)}) a").fetchone()
    return said is True


def test_each_step_leaves_the_release_before_at_work(template, empty_database):
    at = [step for step in STEPS if int(step[:4]) < FIRST][-1]
    migrations.upgrade(empty_database, Base.metadata, to=at[:4])
    before, wrong = schema_of(empty_database), {}
    for step in STEPS:
        if int(step[:4]) < FIRST:
            continue
        migrations.upgrade(empty_database, Base.metadata, to=step[:4])
        after = schema_of(empty_database)
        found = breaks(empty_database, before, after)
        said = getattr(importlib.import_module(f"portal.db.migrations.versions.{step}"), "CONTRACT", None)
        if bool(found) != bool(said):
            wrong[step] = found or ["it says CONTRACT, and takes nothing away"]
        before = after
    assert wrong == {}


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER TABLE things DROP COLUMN name", "things.name is gone"),
        ("ALTER TABLE things RENAME COLUMN name TO title", "things.name is gone"),
        ("DROP TABLE things", "things is gone"),
        ("ALTER TABLE things ALTER name TYPE varchar(9)", "things.name was text and is character varying(9)"),
        ("ALTER TABLE things ALTER name SET NOT NULL", "must be given now"),
        ("ALTER TABLE things ADD kind text NOT NULL", "things.kind is new and must be given"),
        ("ALTER TABLE things ADD CONSTRAINT short CHECK (length(name) < 9)", "short on things is a new rule"),
        ("ALTER TABLE things ADD kind text, ADD CONSTRAINT k CHECK (kind = name)", "k on things is a new rule"),
        ("CREATE UNIQUE INDEX once ON things (name)", "once on things is a new rule"),
    ],
)
def test_what_would_stop_the_release_before_is_noticed(empty_database, statement, told):
    assert any(told in fault for fault in after(empty_database, statement))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE things ADD kind text NOT NULL DEFAULT 'plain'",
        "ALTER TABLE things ADD kind text, ADD CONSTRAINT k CHECK (kind IS NULL OR name <> '')",
        "ALTER TABLE things ADD kind text UNIQUE",
        "CREATE TABLE others (id bigint PRIMARY KEY, thing bigint REFERENCES things, UNIQUE (thing))",
        "CREATE INDEX found ON things (name)",
        "ALTER TABLE things DROP CONSTRAINT things_pkey, ADD UNIQUE (id),"
        " ADD number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "ALTER TABLE things ALTER id DROP DEFAULT",
    ],
)
def test_what_only_adds_passes(empty_database, statement):
    assert after(empty_database, statement) == []


def after(url: str, statement: str) -> list[str]:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE things (id bigint PRIMARY KEY, name text)")
    before = schema_of(url)
    with psycopg.connect(url) as connection:
        connection.execute(statement)
    return breaks(url, before, schema_of(url))
