"""Lists of cases to start, registers, registration and rights of people, desks, messages and warnings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def protect(table: str) -> None:
    """Refuses to change what is written; the function is there since 0001."""
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only")


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.create_table(
        "address_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_attempts")),
    )
    op.create_index(
        "ix_address_attempts_kind_address_moment", "address_attempts", ["kind", "address", "moment"], unique=False
    )
    op.create_index(op.f("ix_address_attempts_moment"), "address_attempts", ["moment"], unique=False)
    op.create_table(
        "identity_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["persons.id"], name=op.f("fk_identity_changes_by_id_persons")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_identity_changes_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_identity_changes_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_changes")),
        info={"append_only": True},
    )
    op.create_index(op.f("ix_identity_changes_organisation_id"), "identity_changes", ["organisation_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("rights", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by_id", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(used_at IS NULL) = (used_by_id IS NULL)", name=op.f("ck_invitations_used")),
        sa.CheckConstraint("used_at IS NULL OR revoked_at IS NULL", name=op.f("ck_invitations_used_or_revoked")),
        sa.ForeignKeyConstraint(["made_by_id"], ["persons.id"], name=op.f("fk_invitations_made_by_id_persons")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_invitations_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["used_by_id"], ["persons.id"], name=op.f("fk_invitations_used_by_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("code", name=op.f("uq_invitations_code")),
    )
    op.create_index(op.f("ix_invitations_organisation_id"), "invitations", ["organisation_id"], unique=False)
    op.create_table(
        "registrations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("once", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("electronic_service", sa.Boolean(), nullable=False),
        sa.Column("joins", sa.Boolean(), nullable=False),
        sa.Column("rights", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("handed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'returned', 'approved', 'refused', 'withdrawn')", name=op.f("ck_registrations_state")
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["persons.id"], name=op.f("fk_registrations_decided_by_id_persons")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_registrations_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_registrations_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("once", name=op.f("uq_registrations_once")),
    )
    op.create_index(op.f("ix_registrations_person_id"), "registrations", ["person_id"], unique=False)
    op.create_index(op.f("ix_registrations_uscc"), "registrations", ["uscc"], unique=False)
    op.create_index(
        "ix_registrations_waiting",
        "registrations",
        ["handed_in_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "desk_matters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('overdue', 'service')", name=op.f("ck_desk_matters_kind")),
        sa.CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name=op.f("ck_desk_matters_decided")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_desk_matters_case_id_cases")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["persons.id"], name=op.f("fk_desk_matters_decided_by_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_matters")),
    )
    op.create_index(op.f("ix_desk_matters_case_id"), "desk_matters", ["case_id"], unique=False)
    op.create_index(
        "ix_desk_matters_open",
        "desk_matters",
        ["regulation", "role", "raised_at"],
        unique=False,
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "portal_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('warning', 'letter', 'task', 'outcome')", name=op.f("ck_portal_messages_kind")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_portal_messages_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_portal_messages_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_portal_messages_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_messages")),
    )
    op.create_index("ix_portal_messages_person", "portal_messages", ["person_id", "id"], unique=False)
    op.create_index(
        "ix_portal_messages_unread",
        "portal_messages",
        ["person_id"],
        unique=False,
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "records",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=True),
        sa.Column("year", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_records_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint("regulation", "register", "key", name=op.f("uq_records_regulation_register_key")),
    )
    op.create_index("ix_records_page", "records", ["regulation", "register", "id"], unique=False)
    op.create_index("ix_records_state", "records", ["regulation", "register", "state", "id"], unique=False)
    op.create_index(op.f("ix_records_uscc"), "records", ["uscc"], unique=False)
    op.create_index("ix_records_year", "records", ["regulation", "register", "year", "id"], unique=False)
    op.create_table(
        "registration_proofs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("registration_id", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.id"], name=op.f("fk_registration_proofs_registration_id_registrations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration_proofs")),
        sa.UniqueConstraint("key", name=op.f("uq_registration_proofs_key")),
    )
    op.create_index(op.f("ix_registration_proofs_kept_at"), "registration_proofs", ["kept_at"], unique=False)
    op.create_index(
        op.f("ix_registration_proofs_registration_id"), "registration_proofs", ["registration_id"], unique=False
    )
    op.create_table(
        "start_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("starter_id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("visit", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'failed') = (fault IS NOT NULL)", name=op.f("ck_start_items_fault")),
        sa.CheckConstraint(
            "state IN ('waiting', 'started', 'ended', 'failed', 'dropped')", name=op.f("ck_start_items_state")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_start_items_case_id_cases")),
        sa.ForeignKeyConstraint(["starter_id"], ["cases.id"], name=op.f("fk_start_items_starter_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_start_items")),
        sa.UniqueConstraint("case_id", name=op.f("uq_start_items_case_id")),
        sa.UniqueConstraint(
            "starter_id",
            "scope",
            "element",
            "visit",
            "item",
            name=op.f("uq_start_items_starter_id_scope_element_visit_item"),
        ),
    )
    op.create_index("ix_start_items_starter_state", "start_items", ["starter_id", "state"], unique=False)
    op.create_table(
        "record_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("act_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("visit", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("letter_id", sa.BigInteger(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.CheckConstraint("(case_id IS NULL) = (act_id IS NULL)", name=op.f("ck_record_entries_case_and_act")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_record_entries_number")),
        sa.ForeignKeyConstraint(["act_id"], ["acts.id"], name=op.f("fk_record_entries_act_id_acts")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_record_entries_case_id_cases")),
        sa.ForeignKeyConstraint(["letter_id"], ["letters.id"], name=op.f("fk_record_entries_letter_id_letters")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_record_entries_person_id_persons")),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name=op.f("fk_record_entries_record_id_records")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_entries")),
        sa.UniqueConstraint("record_id", "number", name=op.f("uq_record_entries_record_id_number")),
        info={"append_only": True},
    )
    op.create_index(op.f("ix_record_entries_case_id"), "record_entries", ["case_id"], unique=False)
    op.add_column("attachments", sa.Column("organisation_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_attachments_organisation_id_organisations"),
        "attachments",
        "organisations",
        ["organisation_id"],
        ["id"],
    )
    op.execute(
        "UPDATE attachments SET organisation_id = persons.organisation_id FROM persons WHERE persons.id = attachments.uploaded_by_id"
    )
    op.add_column("cases", sa.Column("started_by_item", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("cases", "started_by_item", server_default=None)
    op.drop_constraint(op.f("uq_cases_started_by_id_started_by_scope_started_by_elem_4f8b"), "cases", type_="unique")
    op.create_unique_constraint(
        "uq_cases_started_by",
        "cases",
        ["started_by_id", "started_by_scope", "started_by_element", "started_by_visit", "started_by_item"],
    )
    op.add_column("deadlines", sa.Column("warn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deadlines", sa.Column("warned", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.create_index(
        "ix_deadlines_warn", "deadlines", ["warn_at"], unique=False, postgresql_where=sa.text("warn_at IS NOT NULL")
    )
    op.add_column("filings", sa.Column("organisation_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_filings_organisation_id_organisations"), "filings", "organisations", ["organisation_id"], ["id"]
    )
    op.execute(
        "UPDATE filings SET organisation_id = persons.organisation_id FROM persons WHERE persons.id = filings.person_id"
    )
    op.add_column("persons", sa.Column("applicant", sa.Boolean(), nullable=False, server_default="false"))
    op.execute("UPDATE persons SET applicant = true WHERE organisation_id IS NOT NULL")
    op.alter_column("persons", "applicant", server_default=None)
    op.add_column(
        "persons", sa.Column("rights", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]")
    )
    op.execute('UPDATE persons SET rights = \'["file", "manage"]\' WHERE organisation_id IS NOT NULL')
    op.alter_column("persons", "rights", server_default=None)
    protect("identity_changes")
    protect("record_entries")
    op.create_check_constraint(op.f("ck_deadlines_warn_at"), "deadlines", "warn_at IS NULL OR state = 'running'")
    op.create_check_constraint(op.f("ck_persons_one_side"), "persons", "NOT (applicant AND administrator)")
    op.create_check_constraint(
        op.f("ck_persons_organisation_of_applicant"), "persons", "applicant OR organisation_id IS NULL"
    )
    op.create_check_constraint(
        op.f("ck_persons_rights_in_organisation"), "persons", "(organisation_id IS NULL) = (rights = '[]'::jsonb)"
    )
    # Refuses single entries; databases made by 0001 have gone without it.
    op.execute(
        """
        CREATE OR REPLACE FUNCTION refuse_unbalanced() RETURNS trigger
        LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
          IF EXISTS (SELECT 1 FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
                     WHERE e.transfer_id = NEW.transfer_id
                     GROUP BY a.regulation, a.asset, e.dimensions HAVING sum(e.amount) <> 0)
          THEN RAISE EXCEPTION USING ERRCODE = 'check_violation',
                     MESSAGE = 'ledger transfer ' || NEW.transfer_id || ' is not balanced';
          END IF;
          RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER double_entry AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced()"
    )


def downgrade() -> None:
    """Take the step back."""
    op.execute("DROP TRIGGER double_entry ON ledger_entries")
    op.execute("DROP FUNCTION refuse_unbalanced")
    op.drop_constraint(op.f("ck_deadlines_warn_at"), "deadlines", type_="check")
    for name in ("one_side", "organisation_of_applicant", "rights_in_organisation"):
        op.drop_constraint(op.f(f"ck_persons_{name}"), "persons", type_="check")
    op.drop_column("persons", "rights")
    op.drop_column("persons", "applicant")
    op.drop_constraint(op.f("fk_filings_organisation_id_organisations"), "filings", type_="foreignkey")
    op.drop_column("filings", "organisation_id")
    op.drop_index("ix_deadlines_warn", table_name="deadlines", postgresql_where=sa.text("warn_at IS NOT NULL"))
    op.drop_column("deadlines", "warned")
    op.drop_column("deadlines", "warn_at")
    op.drop_constraint("uq_cases_started_by", "cases", type_="unique")
    op.create_unique_constraint(
        op.f("uq_cases_started_by_id_started_by_scope_started_by_elem_4f8b"),
        "cases",
        ["started_by_id", "started_by_scope", "started_by_element", "started_by_visit"],
        postgresql_nulls_not_distinct=False,
    )
    op.drop_column("cases", "started_by_item")
    op.drop_constraint(op.f("fk_attachments_organisation_id_organisations"), "attachments", type_="foreignkey")
    op.drop_column("attachments", "organisation_id")
    op.drop_index(op.f("ix_record_entries_case_id"), table_name="record_entries")
    op.drop_table("record_entries")
    op.drop_index("ix_start_items_starter_state", table_name="start_items")
    op.drop_table("start_items")
    op.drop_index(op.f("ix_registration_proofs_registration_id"), table_name="registration_proofs")
    op.drop_index(op.f("ix_registration_proofs_kept_at"), table_name="registration_proofs")
    op.drop_table("registration_proofs")
    op.drop_index("ix_records_year", table_name="records")
    op.drop_index(op.f("ix_records_uscc"), table_name="records")
    op.drop_index("ix_records_state", table_name="records")
    op.drop_index("ix_records_page", table_name="records")
    op.drop_table("records")
    op.drop_index(
        "ix_portal_messages_unread", table_name="portal_messages", postgresql_where=sa.text("read_at IS NULL")
    )
    op.drop_index("ix_portal_messages_person", table_name="portal_messages")
    op.drop_table("portal_messages")
    op.drop_index("ix_desk_matters_open", table_name="desk_matters", postgresql_where=sa.text("decided_at IS NULL"))
    op.drop_index(op.f("ix_desk_matters_case_id"), table_name="desk_matters")
    op.drop_table("desk_matters")
    op.drop_index("ix_registrations_waiting", table_name="registrations", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_index(op.f("ix_registrations_uscc"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_person_id"), table_name="registrations")
    op.drop_table("registrations")
    op.drop_index(op.f("ix_invitations_organisation_id"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_identity_changes_organisation_id"), table_name="identity_changes")
    op.drop_table("identity_changes")
    op.drop_index(op.f("ix_address_attempts_moment"), table_name="address_attempts")
    op.drop_index("ix_address_attempts_kind_address_moment", table_name="address_attempts")
    op.drop_table("address_attempts")
