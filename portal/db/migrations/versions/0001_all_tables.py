"""All tables, and the triggers of those that only grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "acts",
    "audit_entries",
    "case_values",
    "holiday_notices",
    "ledger_entries",
    "ledger_transfers",
    "service_proofs",
    "struck_proofs",
)
REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
      USING ERRCODE = 'restrict_violation'; END $$
"""


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.create_table(
        "holiday_notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("days_off", sa.ARRAY(sa.Date()), nullable=False),
        sa.Column("days_worked", sa.ARRAY(sa.Date()), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday_notices")),
        info={"append_only": True},
    )
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    op.create_index("ix_login_attempts_account", "login_attempts", ["account", "moment"], unique=False)
    op.create_index("ix_login_attempts_address", "login_attempts", ["address", "moment"], unique=False)
    op.create_index(op.f("ix_login_attempts_moment"), "login_attempts", ["moment"], unique=False)
    op.create_table(
        "moved_clock",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ahead", sa.Interval(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_moved_clock_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moved_clock")),
    )
    op.create_table(
        "number_sequences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_sequences")),
        sa.UniqueConstraint("pattern", "year", name=op.f("uq_number_sequences_pattern_year")),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("electronic_service_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("uscc", name=op.f("uq_organisations_uscc")),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
    )
    op.create_index(op.f("ix_releases_regulation"), "releases", ["regulation"], unique=False)
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_ledger_accounts_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint(
            "organisation_id", "regulation", "asset", name="uq_ledger_accounts", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_persons_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("login", name=op.f("uq_persons_login")),
    )
    op.create_index(op.f("ix_persons_organisation_id"), "persons", ["organisation_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("root_id", sa.BigInteger(), nullable=True),
        sa.Column("about_id", sa.BigInteger(), nullable=True),
        sa.Column("started_by_id", sa.BigInteger(), nullable=True),
        sa.Column("started_by_scope", sa.Text(), nullable=True),
        sa.Column("started_by_element", sa.Text(), nullable=True),
        sa.Column("started_by_visit", sa.BigInteger(), nullable=True),
        sa.Column("party_id", sa.BigInteger(), nullable=True),
        sa.Column("filer_id", sa.BigInteger(), nullable=True),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("ripe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("once", sa.Text(), nullable=True),
        sa.Column("searchable", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("audit_length", sa.BigInteger(), nullable=False),
        sa.Column("audit_head", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["about_id"], ["cases.id"], name=op.f("fk_cases_about_id_cases")),
        sa.ForeignKeyConstraint(["filer_id"], ["persons.id"], name=op.f("fk_cases_filer_id_persons")),
        sa.ForeignKeyConstraint(["party_id"], ["organisations.id"], name=op.f("fk_cases_party_id_organisations")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_cases_release_id_releases")),
        sa.ForeignKeyConstraint(["root_id"], ["cases.id"], name=op.f("fk_cases_root_id_cases")),
        sa.ForeignKeyConstraint(["started_by_id"], ["cases.id"], name=op.f("fk_cases_started_by_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
        sa.UniqueConstraint(
            "started_by_id",
            "started_by_scope",
            "started_by_element",
            "started_by_visit",
            name=op.f("uq_cases_started_by_id_started_by_scope_started_by_element_started_by_visit"),
        ),
    )
    op.create_index("ix_cases_about", "cases", ["about_id", "procedure"], unique=False)
    op.create_index(op.f("ix_cases_party_id"), "cases", ["party_id"], unique=False)
    op.create_index(
        "ix_cases_ripe", "cases", ["ripe_at"], unique=False, postgresql_where=sa.text("ripe_at IS NOT NULL")
    )
    op.create_index(op.f("ix_cases_root_id"), "cases", ["root_id"], unique=False)
    op.create_index("uq_cases_once", "cases", ["once"], unique=True, postgresql_where=sa.text("once IS NOT NULL"))
    op.create_table(
        "grants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=True),
        sa.CheckConstraint("to_day >= from_day", name=op.f("ck_grants_days_in_order")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_grants_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_person_id"), "grants", ["person_id"], unique=False)
    op.create_table(
        "ledger_balances",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("dimensions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_ledger_balances_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_balances_account_id_ledger_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", "dimensions", name=op.f("pk_ledger_balances")),
    )
    op.create_table(
        "sessions",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_sessions_person_id_persons")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires"), "sessions", ["expires"], unique=False)
    op.create_index(op.f("ix_sessions_person_id"), "sessions", ["person_id"], unique=False)
    op.create_table(
        "acts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("root_id", sa.BigInteger(), nullable=True),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("job", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_acts_person_id_persons")),
        sa.ForeignKeyConstraint(["root_id"], ["cases.id"], name=op.f("fk_acts_root_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
        sa.UniqueConstraint("job", name=op.f("uq_acts_job")),
        info={"append_only": True},
    )
    op.create_index(op.f("ix_acts_root_id"), "acts", ["root_id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_attachments_case_id_cases")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["persons.id"], name=op.f("fk_attachments_uploaded_by_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("key", name=op.f("uq_attachments_key")),
    )
    op.create_index(op.f("ix_attachments_case_id"), "attachments", ["case_id"], unique=False)
    op.create_table(
        "audit_entries",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("on_behalf", sa.BigInteger(), nullable=True),
        sa.Column("element", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_audit_entries_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_audit_entries")),
        info={"append_only": True},
    )
    op.create_table(
        "deadlines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("assumed", sa.Text(), nullable=True),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("event_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calendar_version", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'met') = (met_at IS NOT NULL)", name=op.f("ck_deadlines_met_at")),
        sa.CheckConstraint("kind IN ('right', 'obligation', 'duty')", name=op.f("ck_deadlines_kind")),
        sa.CheckConstraint("state IN ('running', 'met', 'dropped')", name=op.f("ck_deadlines_state")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_deadlines_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadlines")),
    )
    op.create_index(op.f("ix_deadlines_case_id"), "deadlines", ["case_id"], unique=False)
    op.create_index(
        "uq_deadlines_running",
        "deadlines",
        ["case_id", "name"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "filings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("about_id", sa.BigInteger(), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["about_id"], ["cases.id"], name=op.f("fk_filings_about_id_cases")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_filings_case_id_cases")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_filings_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filings")),
    )
    op.create_index(op.f("ix_filings_person_id"), "filings", ["person_id"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("during", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_incidents_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_case_id"), "incidents", ["case_id"], unique=False)
    op.create_table(
        "kept_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_kept_messages_case_id_cases")),
        sa.ForeignKeyConstraint(["sender_id"], ["cases.id"], name=op.f("fk_kept_messages_sender_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_messages")),
    )
    op.create_index(op.f("ix_kept_messages_case_id"), "kept_messages", ["case_id"], unique=False)
    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("reverses", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_ledger_transfers_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["reverses"], ["ledger_transfers.id"], name=op.f("fk_ledger_transfers_reverses_ledger_transfers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_transfers_key")),
        sa.UniqueConstraint("reverses", name=op.f("uq_ledger_transfers_reverses")),
        info={"append_only": True},
    )
    op.create_index(op.f("ix_ledger_transfers_case_id"), "ledger_transfers", ["case_id"], unique=False)
    op.create_table(
        "letters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("visit", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("verification_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("rendered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name=op.f("ck_letters_error")),
        sa.CheckConstraint(
            "(state = 'ready') = (object_key IS NOT NULL AND sha256 IS NOT NULL AND size IS NOT NULL AND rendered_at IS NOT NULL)",
            name=op.f("ck_letters_file"),
        ),
        sa.CheckConstraint("state IN ('rendering', 'ready', 'failed')", name=op.f("ck_letters_state")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_letters_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("number", name=op.f("uq_letters_number")),
        sa.UniqueConstraint("verification_code", name=op.f("uq_letters_verification_code")),
    )
    op.create_index(op.f("ix_letters_case_id"), "letters", ["case_id"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("engine_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("visit", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_subscriptions_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "engine_id", name=op.f("pk_subscriptions")),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("engine_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("visit", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Text(), nullable=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_tasks_case_id_cases")),
        sa.ForeignKeyConstraint(["holder_id"], ["persons.id"], name=op.f("fk_tasks_holder_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("case_id", "engine_id", name=op.f("uq_tasks_case_id_engine_id")),
    )
    op.create_index("ix_tasks_case", "tasks", ["case_id"], unique=False)
    op.create_index(
        "ix_tasks_open", "tasks", ["regulation", "due", "id"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(
        "ix_tasks_open_holder",
        "tasks",
        ["holder_id", "due", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_tasks_open_role",
        "tasks",
        ["regulation", "role", "due", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "case_values",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("visit", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"], name=op.f("fk_case_values_act_id_acts")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_values_case_id_cases")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_case_values_person_id_persons")),
        sa.PrimaryKeyConstraint("case_id", "act_id", "scope", "element", "visit", name=op.f("pk_case_values")),
        info={"append_only": True},
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("dimensions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entries_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_entries_account_id_ledger_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_entries_transfer_id_ledger_transfers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        info={"append_only": True},
    )
    op.create_index(op.f("ix_ledger_entries_account_id"), "ledger_entries", ["account_id"], unique=False)
    op.create_index(op.f("ix_ledger_entries_transfer_id"), "ledger_entries", ["transfer_id"], unique=False)
    op.create_table(
        "services",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("letter_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'copy') = (state = 'copy')", name=op.f("ck_services_copy")),
        sa.CheckConstraint(
            "(state = 'served') = (served_at IS NOT NULL AND how IS NOT NULL)", name=op.f("ck_services_served")
        ),
        sa.CheckConstraint("kind IN ('party', 'copy')", name=op.f("ck_services_kind")),
        sa.CheckConstraint("state IN ('awaiting file', 'open', 'served', 'copy')", name=op.f("ck_services_state")),
        sa.ForeignKeyConstraint(["letter_id"], ["letters.id"], name=op.f("fk_services_letter_id_letters")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_services_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
        sa.UniqueConstraint("letter_id", "kind", "addressee", name=op.f("uq_services_letter_id_kind_addressee")),
    )
    op.create_index("ix_services_organisation_id_state", "services", ["organisation_id", "state"], unique=False)
    op.create_table(
        "service_proofs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("attachment_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("how IN ('read', 'post', 'in person', 'filing')", name=op.f("ck_service_proofs_how")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_service_proofs_service_id_services")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_proofs")),
        info={"append_only": True},
    )
    op.create_index(op.f("ix_service_proofs_service_id"), "service_proofs", ["service_id"], unique=False)
    op.create_table(
        "struck_proofs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("proof_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["proof_id"], ["service_proofs.id"], name=op.f("fk_struck_proofs_proof_id_service_proofs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_struck_proofs")),
        sa.UniqueConstraint("proof_id", name=op.f("uq_struck_proofs_proof_id")),
        info={"append_only": True},
    )
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("struck_proofs")
    op.drop_index(op.f("ix_service_proofs_service_id"), table_name="service_proofs")
    op.drop_table("service_proofs")
    op.drop_index("ix_services_organisation_id_state", table_name="services")
    op.drop_table("services")
    op.drop_index(op.f("ix_ledger_entries_transfer_id"), table_name="ledger_entries")
    op.drop_index(op.f("ix_ledger_entries_account_id"), table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_table("case_values")
    op.drop_index("ix_tasks_open_role", table_name="tasks", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_tasks_open_holder", table_name="tasks", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_tasks_open", table_name="tasks", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_tasks_case", table_name="tasks")
    op.drop_table("tasks")
    op.drop_table("subscriptions")
    op.drop_index(op.f("ix_letters_case_id"), table_name="letters")
    op.drop_table("letters")
    op.drop_index(op.f("ix_ledger_transfers_case_id"), table_name="ledger_transfers")
    op.drop_table("ledger_transfers")
    op.drop_index(op.f("ix_kept_messages_case_id"), table_name="kept_messages")
    op.drop_table("kept_messages")
    op.drop_index(op.f("ix_incidents_case_id"), table_name="incidents")
    op.drop_table("incidents")
    op.drop_index(op.f("ix_filings_person_id"), table_name="filings")
    op.drop_table("filings")
    op.drop_index("uq_deadlines_running", table_name="deadlines", postgresql_where=sa.text("state = 'running'"))
    op.drop_index(op.f("ix_deadlines_case_id"), table_name="deadlines")
    op.drop_table("deadlines")
    op.drop_table("audit_entries")
    op.drop_index(op.f("ix_attachments_case_id"), table_name="attachments")
    op.drop_table("attachments")
    op.drop_index(op.f("ix_acts_root_id"), table_name="acts")
    op.drop_table("acts")
    op.drop_index(op.f("ix_sessions_person_id"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_expires"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("ledger_balances")
    op.drop_index(op.f("ix_grants_person_id"), table_name="grants")
    op.drop_table("grants")
    op.drop_index("uq_cases_once", table_name="cases", postgresql_where=sa.text("once IS NOT NULL"))
    op.drop_index(op.f("ix_cases_root_id"), table_name="cases")
    op.drop_index("ix_cases_ripe", table_name="cases", postgresql_where=sa.text("ripe_at IS NOT NULL"))
    op.drop_index(op.f("ix_cases_party_id"), table_name="cases")
    op.drop_index("ix_cases_about", table_name="cases")
    op.drop_table("cases")
    op.drop_index(op.f("ix_persons_organisation_id"), table_name="persons")
    op.drop_table("persons")
    op.drop_table("ledger_accounts")
    op.drop_index(op.f("ix_releases_regulation"), table_name="releases")
    op.drop_table("releases")
    op.drop_table("organisations")
    op.drop_table("number_sequences")
    op.drop_table("moved_clock")
    op.drop_index(op.f("ix_login_attempts_moment"), table_name="login_attempts")
    op.drop_index("ix_login_attempts_address", table_name="login_attempts")
    op.drop_index("ix_login_attempts_account", table_name="login_attempts")
    op.drop_table("login_attempts")
    op.drop_table("holiday_notices")
    op.execute("DROP FUNCTION refuse_change")
