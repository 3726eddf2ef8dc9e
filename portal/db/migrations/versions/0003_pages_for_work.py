"""Deputies, notes, drafts, saved filters, query codes, search, mail, PDF, incidents tried again, checks of the history."""

from __future__ import annotations

import secrets
import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHECKS = (
    ("incidents", "closed", "(closed_at IS NULL) = (reason IS NULL)"),
    ("incidents", "closed_by", "(closed_at IS NULL) = (closed_by_id IS NULL)"),
    (
        "letters",
        "pdf",
        "(pdf_key IS NULL) = (pdf_sha256 IS NULL) AND (pdf_key IS NULL) = (pdf_size IS NULL)"
        " AND (pdf_key IS NULL OR state = 'ready')",
    ),
    ("persons", "verified_email", "email_verified_at IS NULL OR email IS NOT NULL"),
)
CHANGED = (
    ("grants", "days_in_order", "to_day >= from_day - 1", "to_day >= from_day"),
    (
        "portal_messages",
        "kind",
        "kind IN ('warning', 'letter', 'task', 'outcome', 'note')",
        "kind IN ('warning', 'letter', 'task', 'outcome')",
    ),
)
"""Table, name and rule of a check, and the rule that it replaces."""
ALPHABET = "34679ACDEFGHJKMNPRTUWXY"


def give_query_codes(connection: sa.Connection) -> None:
    """Every case with a party gets the code by which it is followed without signing in."""
    for (case,) in connection.execute(sa.text("SELECT id FROM cases WHERE party_id IS NOT NULL")).all():
        code = "".join(secrets.choice(ALPHABET) for _ in range(8))
        connection.execute(
            sa.text("UPDATE cases SET query_code = :code WHERE id = :case"), {"code": code, "case": case}
        )


def make_searchable(connection: sa.Connection) -> None:
    """What each case and each letter is found by, as pairs of neighbouring characters."""
    cases = """SELECT c.id, '', c.regulation, concat_ws(' ', c.number, c.title, o.name, o.uscc,
                      (SELECT string_agg(value, ' ') FROM jsonb_each_text(c.searchable)))
                 FROM cases c LEFT JOIN organisations o ON o.id = c.party_id"""
    letters = "SELECT l.case_id, l.number, c.regulation, l.number FROM letters l JOIN cases c ON c.id = l.case_id"
    insert = sa.text("INSERT INTO case_texts (case_id, letter, regulation, text, pairs) VALUES (:c, :l, :r, :t, :p)")
    for query in (cases, letters):
        for case, letter, regulation, said in connection.execute(sa.text(query)).all():
            narrow = unicodedata.normalize("NFKC", said).casefold()
            words = list(filter(None, ("".join(filter(str.isalnum, word)) for word in narrow.split())))
            pairs = sorted({word[at : at + 2] for word in words for at in range(len(word) - 1)})
            row = {"c": case, "l": letter, "r": regulation, "t": " ".join(words), "p": pairs}
            connection.execute(insert, row)


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.create_table(
        "audit_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("cases", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.CheckConstraint("fault IS NULL OR ended_at IS NOT NULL", name=op.f("ck_audit_checks_fault")),
        sa.ForeignKeyConstraint(["by_id"], ["persons.id"], name=op.f("fk_audit_checks_by_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_checks")),
    )
    op.create_index(
        "uq_audit_checks_running",
        "audit_checks",
        [sa.literal_column("(true)")],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "delegations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("from_person_id", sa.BigInteger(), nullable=False),
        sa.Column("to_person_id", sa.BigInteger(), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("btrim(reason) <> ''", name=op.f("ck_delegations_reason")),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name=op.f("ck_delegations_revoke_reason")),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by_id IS NULL)", name=op.f("ck_delegations_revoked")),
        sa.CheckConstraint("from_person_id <> to_person_id", name=op.f("ck_delegations_to_another")),
        sa.CheckConstraint("to_day - from_day <= 365", name=op.f("ck_delegations_at_most_a_year")),
        sa.CheckConstraint("to_day >= from_day", name=op.f("ck_delegations_days_in_order")),
        sa.ForeignKeyConstraint(["from_person_id"], ["persons.id"], name=op.f("fk_delegations_from_person_id_persons")),
        sa.ForeignKeyConstraint(["made_by_id"], ["persons.id"], name=op.f("fk_delegations_made_by_id_persons")),
        sa.ForeignKeyConstraint(["revoked_by_id"], ["persons.id"], name=op.f("fk_delegations_revoked_by_id_persons")),
        sa.ForeignKeyConstraint(["to_person_id"], ["persons.id"], name=op.f("fk_delegations_to_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    op.create_index(op.f("ix_delegations_from_person_id"), "delegations", ["from_person_id"], unique=False)
    op.create_index(op.f("ix_delegations_to_person_id"), "delegations", ["to_person_id"], unique=False)
    op.create_table(
        "email_checks",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_email_checks_person_id_persons")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_email_checks")),
    )
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_saved_filters_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("person_id", "name", name=op.f("uq_saved_filters_person_id_name")),
    )
    op.create_table(
        "case_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("for_id", sa.BigInteger(), nullable=True),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_notes_case_id_cases")),
        sa.ForeignKeyConstraint(["for_id"], ["persons.id"], name=op.f("fk_case_notes_for_id_persons")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_case_notes_person_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_notes")),
    )
    op.create_index(op.f("ix_case_notes_case_id"), "case_notes", ["case_id"], unique=False)
    op.create_table(
        "case_texts",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("regulation", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pairs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_texts_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "letter", name=op.f("pk_case_texts")),
    )
    op.create_index("ix_case_texts_newest", "case_texts", ["regulation", "case_id"], unique=False)
    op.create_index("ix_case_texts_pairs", "case_texts", ["pairs"], unique=False, postgresql_using="gin")
    op.create_table(
        "message_drafts",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_message_drafts_case_id_cases")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_message_drafts_person_id_persons")),
        sa.PrimaryKeyConstraint("case_id", "message", "person_id", name=op.f("pk_message_drafts")),
    )
    op.create_table(
        "task_drafts",
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_task_drafts_person_id_persons")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_task_drafts_task_id_tasks")),
        sa.PrimaryKeyConstraint("task_id", "person_id", name=op.f("pk_task_drafts")),
    )
    op.add_column("acts", sa.Column("for_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_acts_for_id_persons"), "acts", "persons", ["for_id"], ["id"])
    op.add_column("cases", sa.Column("query_code", sa.Text(), nullable=True))
    op.create_index(
        "ix_cases_open_release", "cases", ["release_id"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.add_column("desk_matters", sa.Column("decided_for_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_desk_matters_decided_for_id_persons"), "desk_matters", "persons", ["decided_for_id"], ["id"]
    )
    op.add_column("identity_changes", sa.Column("for_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_identity_changes_person_id"), "identity_changes", ["person_id"], unique=False)
    op.create_foreign_key(op.f("fk_identity_changes_for_id_persons"), "identity_changes", "persons", ["for_id"], ["id"])
    op.add_column(
        "incidents", sa.Column("again", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("incidents", sa.Column("closed_by_id", sa.BigInteger(), nullable=True))
    op.add_column("incidents", sa.Column("reason", sa.Text(), nullable=True))
    op.create_index(
        "ix_incidents_open", "incidents", ["id"], unique=False, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_foreign_key(op.f("fk_incidents_closed_by_id_persons"), "incidents", "persons", ["closed_by_id"], ["id"])
    op.add_column("letters", sa.Column("pdf_key", sa.Text(), nullable=True))
    op.add_column("letters", sa.Column("pdf_sha256", sa.Text(), nullable=True))
    op.add_column("letters", sa.Column("pdf_size", sa.BigInteger(), nullable=True))
    op.add_column("persons", sa.Column("email", sa.Text(), nullable=True))
    op.add_column("persons", sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("persons", sa.Column("mail_on", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("persons", sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("portal_messages", sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("registrations", sa.Column("decided_for_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_registrations_decided_for_id_persons"), "registrations", "persons", ["decided_for_id"], ["id"]
    )
    op.add_column("service_proofs", sa.Column("entered_for", sa.BigInteger(), nullable=True))
    op.add_column("struck_proofs", sa.Column("entered_for", sa.BigInteger(), nullable=True))
    op.add_column("tasks", sa.Column("procedure", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("party_id", sa.BigInteger(), nullable=True))
    op.add_column("tasks", sa.Column("for_id", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE tasks SET procedure = cases.procedure, party_id = cases.party_id FROM cases WHERE cases.id = tasks.case_id"
    )
    op.alter_column("tasks", "procedure", nullable=False)
    for column in ("mail_on", "must_change_password"):
        op.alter_column("persons", column, server_default=None)
    for table, name, rule in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
    for table, name, rule, _before in CHANGED:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
    give_query_codes(op.get_bind())
    make_searchable(op.get_bind())
    op.create_index(
        "ix_tasks_done_holder",
        "tasks",
        ["holder_id", "closed_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'done'"),
    )
    op.create_index(
        "ix_tasks_open_party",
        "tasks",
        ["party_id", "due", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_tasks_open_procedure",
        "tasks",
        ["regulation", "procedure", "due", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_tasks_open_role_procedure",
        "tasks",
        ["regulation", "role", "procedure", "due", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_tasks_open_step",
        "tasks",
        ["regulation", "procedure", "name", "due", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_foreign_key(op.f("fk_tasks_for_id_persons"), "tasks", "persons", ["for_id"], ["id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON case_notes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE case_notes ENABLE ALWAYS TRIGGER append_only")


def downgrade() -> None:
    """Take the step back."""
    for table, name, _rule, before in CHANGED:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, before)
    for table, name, _rule in CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.drop_constraint(op.f("fk_tasks_for_id_persons"), "tasks", type_="foreignkey")
    op.drop_index("ix_tasks_open_step", table_name="tasks", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_tasks_open_role_procedure", table_name="tasks", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_tasks_open_procedure", table_name="tasks", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_tasks_open_party", table_name="tasks", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_tasks_done_holder", table_name="tasks", postgresql_where=sa.text("state = 'done'"))
    op.drop_column("tasks", "for_id")
    op.drop_column("tasks", "party_id")
    op.drop_column("tasks", "procedure")
    op.drop_column("struck_proofs", "entered_for")
    op.drop_column("service_proofs", "entered_for")
    op.drop_constraint(op.f("fk_registrations_decided_for_id_persons"), "registrations", type_="foreignkey")
    op.drop_column("registrations", "decided_for_id")
    op.drop_column("portal_messages", "mailed_at")
    op.drop_column("persons", "must_change_password")
    op.drop_column("persons", "mail_on")
    op.drop_column("persons", "email_verified_at")
    op.drop_column("persons", "email")
    op.drop_column("letters", "pdf_size")
    op.drop_column("letters", "pdf_sha256")
    op.drop_column("letters", "pdf_key")
    op.drop_constraint(op.f("fk_incidents_closed_by_id_persons"), "incidents", type_="foreignkey")
    op.drop_index("ix_incidents_open", table_name="incidents", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_column("incidents", "reason")
    op.drop_column("incidents", "closed_by_id")
    op.drop_column("incidents", "again")
    op.drop_constraint(op.f("fk_identity_changes_for_id_persons"), "identity_changes", type_="foreignkey")
    op.drop_index(op.f("ix_identity_changes_person_id"), table_name="identity_changes")
    op.drop_column("identity_changes", "for_id")
    op.drop_constraint(op.f("fk_desk_matters_decided_for_id_persons"), "desk_matters", type_="foreignkey")
    op.drop_column("desk_matters", "decided_for_id")
    op.drop_index("ix_cases_open_release", table_name="cases", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_column("cases", "query_code")
    op.drop_constraint(op.f("fk_acts_for_id_persons"), "acts", type_="foreignkey")
    op.drop_column("acts", "for_id")
    op.drop_table("task_drafts")
    op.drop_table("message_drafts")
    op.drop_index("ix_case_texts_pairs", table_name="case_texts", postgresql_using="gin")
    op.drop_index("ix_case_texts_newest", table_name="case_texts")
    op.drop_table("case_texts")
    op.drop_index(op.f("ix_case_notes_case_id"), table_name="case_notes")
    op.drop_table("case_notes")
    op.drop_table("saved_filters")
    op.drop_table("email_checks")
    op.drop_index(op.f("ix_delegations_to_person_id"), table_name="delegations")
    op.drop_index(op.f("ix_delegations_from_person_id"), table_name="delegations")
    op.drop_table("delegations")
    op.drop_index("uq_audit_checks_running", table_name="audit_checks", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("audit_checks")
