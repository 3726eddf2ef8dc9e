"""Persons, tasks of one party, clocks that stand, many at one step, drawing lots, publicity, renewals, archives."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


CHECKS = (
    (
        "deadlines",
        "kind",
        "kind IN ('right', 'obligation', 'duty', 'minimum')",
        "(kind = ANY (ARRAY['right'::text, 'obligation'::text, 'duty'::text]))",
    ),
    ("deadlines", "paused", "state <> 'paused' OR own_course", None),
    (
        "deadlines",
        "state",
        "state IN ('running', 'paused', 'met', 'dropped')",
        "(state = ANY (ARRAY['running'::text, 'met'::text, 'dropped'::text]))",
    ),
    ("organisations", "code_of_person", "(kinds @> '[\"person\"]'::jsonb) = (uscc ~ '^P[0-9]{9}[0-9X]$')", None),
    ("organisations", "person_alone", "NOT kinds @> '[\"person\"]'::jsonb OR jsonb_array_length(kinds) = 1", None),
    ("registrations", "number_of_person", "(kind = 'person') = (identity_number_id IS NOT NULL)", None),
)
"""Table, name and rule of a check, and the rule that it replaces (None: there was none)."""


def protect(table: str) -> None:
    """Refuses to change what is written; the function is there since 0001."""
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")


def exchange(table: str, name: str, rule: str | None, before: str | None) -> None:
    """Puts one rule of a table in the place of another."""
    if before is not None:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    if rule is not None:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.create_table(
        "identity_numbers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_identity_numbers_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_numbers")),
        sa.UniqueConstraint("number", name=op.f("uq_identity_numbers_number")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_identity_numbers_organisation_id")),
    )
    op.create_table(
        "renewals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("assumed", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by_id", sa.BigInteger(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("NOT assumed OR reason <> ''", name=op.f("ck_renewals_assumed")),
        sa.CheckConstraint("last_day IS NULL OR last_day >= from_day", name=op.f("ck_renewals_days")),
        sa.ForeignKeyConstraint(["entered_by_id"], ["persons.id"], name=op.f("fk_renewals_entered_by_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewals")),
        info={"append_only": True},
    )
    op.create_index(op.f("ix_renewals_regulation"), "renewals", ["regulation"], unique=False)
    op.create_table(
        "renewal_revocations",
        sa.Column("renewal_id", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["persons.id"], name=op.f("fk_renewal_revocations_by_id_persons")),
        sa.ForeignKeyConstraint(
            ["renewal_id"], ["renewals.id"], name=op.f("fk_renewal_revocations_renewal_id_renewals")
        ),
        sa.PrimaryKeyConstraint("renewal_id", name=op.f("pk_renewal_revocations")),
        info={"append_only": True},
    )
    op.create_table(
        "archives",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retention", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (sha256 IS NULL) AND (closed_at IS NULL) = (listed IS NULL)",
            name=op.f("ck_archives_closed"),
        ),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"], name=op.f("fk_archives_act_id_acts")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_archives_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archives")),
    )
    op.create_index("ix_archives_case", "archives", ["case_id"], unique=False)
    op.create_index(
        "uq_archives_open", "archives", ["case_id"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "case_items",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("visit", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"], name=op.f("fk_case_items_act_id_acts")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_items_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "scope", "element", "visit", "item", name=op.f("pk_case_items")),
    )
    op.create_table(
        "deadline_extensions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("deadline_id", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("for_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["deadline_id"], ["deadlines.id"], name=op.f("fk_deadline_extensions_deadline_id_deadlines")
        ),
        sa.ForeignKeyConstraint(["for_id"], ["persons.id"], name=op.f("fk_deadline_extensions_for_id_persons")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_deadline_extensions_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline_extensions")),
    )
    op.create_index(op.f("ix_deadline_extensions_deadline_id"), "deadline_extensions", ["deadline_id"], unique=False)
    op.create_table(
        "deadline_pauses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("deadline_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('element', 'cases', 'action')", name=op.f("ck_deadline_pauses_kind")),
        sa.CheckConstraint("until IS NULL OR since < until", name=op.f("ck_deadline_pauses_order")),
        sa.ForeignKeyConstraint(
            ["deadline_id"], ["deadlines.id"], name=op.f("fk_deadline_pauses_deadline_id_deadlines")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline_pauses")),
    )
    op.create_index(op.f("ix_deadline_pauses_deadline_id"), "deadline_pauses", ["deadline_id"], unique=False)
    op.create_index(
        "uq_deadline_pauses_open",
        "deadline_pauses",
        ["deadline_id", "what"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "draws",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("visit", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("drawn", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"], name=op.f("fk_draws_act_id_acts")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_draws_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draws")),
        sa.UniqueConstraint("case_id", "scope", "element", "visit", name=op.f("uq_draws_case_id_scope_element_visit")),
        info={"append_only": True},
    )
    op.create_table(
        "publications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_id", sa.BigInteger(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("(closed_at IS NULL) = (result IS NULL)", name=op.f("ck_publications_closed")),
        sa.CheckConstraint("NOT paused OR closed_at IS NULL", name=op.f("ck_publications_paused")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_publications_case_id_cases")),
        sa.ForeignKeyConstraint(["deadline_id"], ["deadlines.id"], name=op.f("fk_publications_deadline_id_deadlines")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
    )
    op.create_index(op.f("ix_publications_case_id"), "publications", ["case_id"], unique=False)
    op.create_index("ix_publications_newest", "publications", ["opened_at", "id"], unique=False)
    op.create_index(
        "ix_publications_open", "publications", ["id"], unique=False, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index(
        "uq_publications_open",
        "publications",
        ["case_id", "name"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "draw_replacements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("draw_id", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"], name=op.f("fk_draw_replacements_act_id_acts")),
        sa.ForeignKeyConstraint(["draw_id"], ["draws.id"], name=op.f("fk_draw_replacements_draw_id_draws")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draw_replacements")),
        sa.UniqueConstraint("draw_id", "number", name=op.f("uq_draw_replacements_draw_id_number")),
        info={"append_only": True},
    )
    op.create_index(op.f("ix_draw_replacements_draw_id"), "draw_replacements", ["draw_id"], unique=False)
    op.create_table(
        "publication_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("publication_id", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('moved', 'paused', 'resumed', 'extended', 'closed', 'revised', 'concluded')",
            name=op.f("ck_publication_changes_kind"),
        ),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"], name=op.f("fk_publication_changes_act_id_acts")),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publications.id"], name=op.f("fk_publication_changes_publication_id_publications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication_changes")),
        info={"append_only": True},
    )
    op.create_index(
        op.f("ix_publication_changes_publication_id"), "publication_changes", ["publication_id"], unique=False
    )
    op.add_column("attachments", sa.Column("bundle", sa.Text(), nullable=True))
    op.alter_column("attachments", "uploaded_by_id", existing_type=sa.BIGINT(), nullable=True)
    op.create_index(op.f("ix_attachments_bundle"), "attachments", ["bundle"], unique=False)
    op.create_index("ix_attachments_sha256", "attachments", ["sha256"], unique=False)
    op.add_column("case_values", sa.Column("item", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("case_values", "item", server_default=None)
    op.add_column(
        "cases", sa.Column("instrument", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("deadlines", sa.Column("scope", sa.Text(), server_default="", nullable=False))
    op.add_column("deadlines", sa.Column("own_course", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.drop_index(op.f("uq_deadlines_running"), table_name="deadlines", postgresql_where="(state = 'running'::text)")
    op.create_index(
        "uq_deadlines_live",
        "deadlines",
        ["case_id", "name", "scope"],
        unique=True,
        postgresql_where=sa.text("state IN ('running', 'paused')"),
    )
    op.add_column("registrations", sa.Column("identity_number_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_registrations_identity_number_id"), "registrations", ["identity_number_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_registrations_identity_number_id_identity_numbers"),
        "registrations",
        "identity_numbers",
        ["identity_number_id"],
        ["id"],
    )
    op.alter_column("service_proofs", "entered_by", existing_type=sa.BIGINT(), nullable=True)
    op.add_column("subscriptions", sa.Column("item", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("subscriptions", "item", server_default=None)
    op.add_column("tasks", sa.Column("item", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("tasks", "item", server_default=None)
    op.add_column("tasks", sa.Column("assignee_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_tasks_assignee",
        "tasks",
        ["assignee_id", "id"],
        unique=False,
        postgresql_where=sa.text("assignee_id IS NOT NULL"),
    )
    op.create_foreign_key(op.f("fk_tasks_assignee_id_organisations"), "tasks", "organisations", ["assignee_id"], ["id"])
    protect("draw_replacements")
    protect("draws")
    protect("publication_changes")
    protect("renewal_revocations")
    protect("renewals")
    op.drop_constraint(op.f("pk_case_values"), "case_values", type_="primary")
    op.create_primary_key(
        op.f("pk_case_values"), "case_values", ["case_id", "act_id", "scope", "element", "visit", "item"]
    )
    for table, name, rule, before in CHECKS:
        exchange(table, name, rule, before)


def downgrade() -> None:
    """Take the step back."""
    for table, name, rule, before in reversed(CHECKS):
        exchange(table, name, before, rule)
    op.drop_constraint(op.f("pk_case_values"), "case_values", type_="primary")
    op.create_primary_key(op.f("pk_case_values"), "case_values", ["case_id", "act_id", "scope", "element", "visit"])
    op.drop_constraint(op.f("fk_tasks_assignee_id_organisations"), "tasks", type_="foreignkey")
    op.drop_index("ix_tasks_assignee", table_name="tasks", postgresql_where=sa.text("assignee_id IS NOT NULL"))
    op.drop_column("tasks", "assignee_id")
    op.drop_column("tasks", "item")
    op.drop_column("subscriptions", "item")
    op.alter_column("service_proofs", "entered_by", existing_type=sa.BIGINT(), nullable=False)
    op.drop_constraint(
        op.f("fk_registrations_identity_number_id_identity_numbers"), "registrations", type_="foreignkey"
    )
    op.drop_index(op.f("ix_registrations_identity_number_id"), table_name="registrations")
    op.drop_column("registrations", "identity_number_id")
    op.drop_index(
        "uq_deadlines_live", table_name="deadlines", postgresql_where=sa.text("state IN ('running', 'paused')")
    )
    op.create_index(
        op.f("uq_deadlines_running"),
        "deadlines",
        ["case_id", "name"],
        unique=True,
        postgresql_where="(state = 'running'::text)",
    )
    op.drop_column("deadlines", "own_course")
    op.drop_column("deadlines", "scope")
    op.drop_column("cases", "instrument")
    op.drop_column("case_values", "item")
    op.drop_index("ix_attachments_sha256", table_name="attachments")
    op.drop_index(op.f("ix_attachments_bundle"), table_name="attachments")
    op.alter_column("attachments", "uploaded_by_id", existing_type=sa.BIGINT(), nullable=False)
    op.drop_column("attachments", "bundle")
    op.drop_index(op.f("ix_publication_changes_publication_id"), table_name="publication_changes")
    op.drop_table("publication_changes")
    op.drop_index(op.f("ix_draw_replacements_draw_id"), table_name="draw_replacements")
    op.drop_table("draw_replacements")
    op.drop_index("uq_publications_open", table_name="publications", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_publications_open", table_name="publications", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_publications_newest", table_name="publications")
    op.drop_index(op.f("ix_publications_case_id"), table_name="publications")
    op.drop_table("publications")
    op.drop_table("draws")
    op.drop_index("uq_deadline_pauses_open", table_name="deadline_pauses", postgresql_where=sa.text("until IS NULL"))
    op.drop_index(op.f("ix_deadline_pauses_deadline_id"), table_name="deadline_pauses")
    op.drop_table("deadline_pauses")
    op.drop_index(op.f("ix_deadline_extensions_deadline_id"), table_name="deadline_extensions")
    op.drop_table("deadline_extensions")
    op.drop_table("case_items")
    op.drop_index("uq_archives_open", table_name="archives", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_archives_case", table_name="archives")
    op.drop_table("archives")
    op.drop_table("renewal_revocations")
    op.drop_index(op.f("ix_renewals_regulation"), table_name="renewals")
    op.drop_table("renewals")
    op.drop_table("identity_numbers")
