"""The schema's history: steps are numbered and applied once, and lead to what the models say."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import MetaData, create_engine, inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped

from portal.db import Base, Database, DatabaseUnreachable, Id, migrations
from portal.db.append_only import append_only
from portal.db.database import url_for
from portal.jobs import schema as jobs_schema


def test_the_newest_state_is_what_the_models_say(template, empty_database):
    if not list(migrations.FOLDER.glob("versions/0*.py")):
        pytest.skip("no step has been generated yet")
    migrations.upgrade(empty_database, Base.metadata)
    assert migrations.differences(empty_database, Base.metadata) == []


# What Alembic does not compare: checks, keys, triggers and partial indexes, as PostgreSQL has them.
ENFORCED = """
    SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    UNION ALL SELECT tgrelid::regclass || ' ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
"""


def enforced(url: str) -> set[str]:
    """what the database itself enforces on our tables"""
    engine = create_engine(url_for(url))
    with engine.connect() as connection:
        found = set(connection.execute(text(ENFORCED)).scalars())
    engine.dispose()
    return {line for line in found if "procrastinate" not in line and "alembic_version" not in line}


def test_a_migrated_database_enforces_what_the_models_do(postgres, template, empty_database):
    migrations.upgrade(empty_database, Base.metadata)
    assert enforced(empty_database) == enforced(urlsplit(postgres)._replace(path=f"/{template}").geturl())


class _Base(DeclarativeBase):
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    type_annotation_map = Base.type_annotation_map


class Letter(_Base):
    __tablename__ = "letters_of_this_test"

    id: Mapped[Id]
    title: Mapped[str]


append_only(Letter.__table__)


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history without any step."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder, ignore=shutil.ignore_patterns("0*.py"))
    monkeypatch.setattr(migrations, "FOLDER", folder)
    return folder / "versions"


def tables(url: str, schema: str | None = None) -> set[str]:
    engine = create_engine(url_for(url))
    names = inspect(engine).get_table_names(schema)
    engine.dispose()
    return set(names)


def test_a_step_is_generated_numbered_and_applied_once(history, empty_database):
    assert migrations.differences(empty_database, _Base.metadata) != []
    migrations.generate(empty_database, _Base.metadata, "letters")
    assert [step.name for step in history.glob("0*.py")] == ["0001_letters.py"]

    migrations.upgrade(empty_database, _Base.metadata)
    migrations.upgrade(empty_database, _Base.metadata)
    assert tables(empty_database) == {"alembic_version", "letters_of_this_test"}
    assert migrations.differences(empty_database, _Base.metadata) == []

    migrations.generate(empty_database, _Base.metadata, "nothing new")
    assert sorted(step.name for step in history.glob("0*.py")) == ["0001_letters.py", "0002_nothing_new.py"]
    migrations.upgrade(empty_database, _Base.metadata)


def test_a_missing_trigger_is_a_difference(history, empty_database):
    migrations.generate(empty_database, _Base.metadata, "letters")
    migrations.upgrade(empty_database, _Base.metadata)
    database = Database(empty_database)
    with database.transaction() as tx:
        tx.execute(text("DROP TRIGGER append_only ON letters_of_this_test"))
    database.close()
    assert migrations.differences(empty_database, _Base.metadata) == ["append-only: letters_of_this_test"]


def test_the_jobs_tables_are_left_alone(history, empty_database):
    jobs_schema(empty_database)
    migrations.generate(empty_database, _Base.metadata, "letters")
    assert "procrastinate" not in (history / "0001_letters.py").read_text()


def test_a_trial_gets_the_same_tables_in_its_own_schema(history, empty_database):
    migrations.generate(empty_database, _Base.metadata, "letters")
    migrations.upgrade(empty_database, _Base.metadata)
    migrations.upgrade(empty_database, _Base.metadata, schema="trial_1")
    assert tables(empty_database, "trial_1") == {"alembic_version", "letters_of_this_test"}
    migrations.upgrade(empty_database, _Base.metadata, schema="trial_1")


def test_a_step_that_fails_leaves_nothing(history, empty_database):
    migrations.generate(empty_database, _Base.metadata, "letters")
    step = history / "0001_letters.py"
    step.write_text(step.read_text().replace("    # ### end Alembic commands ###", "    1 / 0", 1))
    with pytest.raises(ZeroDivisionError):
        migrations.upgrade(empty_database, _Base.metadata)
    assert tables(empty_database) == {"alembic_version"}


def test_an_absent_server_is_told():
    with pytest.raises(DatabaseUnreachable):
        migrations.upgrade("postgresql://portal:x@/portal?host=%2Fnonexistent", _Base.metadata)
