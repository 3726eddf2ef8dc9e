"""Everybody who may ask a portal for something, with things that are their own and things that are others'.

Two places: A is the content that ships, its officials and `wang`'s unit; B a made-up regulation with its officer and
another unit, whose paper an expert is to give an opinion on, and whose plan is shown to everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from portal import clock, identity
from portal.cases import archiving, filing
from portal.cases.models import ActRecord, Archive, Attachment, DeskMatter, Filing, Incident, Publication, StartItem
from portal.db import Database
from portal.deadlines.models import Deadline
from portal.documents.models import Letter, Service, ServiceProof
from portal.identity.models import Delegation, Grant, Invitation, Person, Proof, Registration, SignedIn, Token
from portal.inbox.models import SavedFilter
from portal.notify.models import PortalMessage
from portal.procedures import publish
from portal.procedures.content import Content
from portal.procedures.models import Renewal
from portal.registers.models import Record
from tests.builders import publicity
from tests.builders.assigned import FIRST, SECOND, one_expert
from tests.builders.pages import ETS, LONG_AGO, Browser, Portal
from tests.builders.procedures import REGULATION

UNIT_B = "91500000MA5U6QWE06"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"

NOBODY, CLOSED, NEW = "nobody", "ting", "xin"
"""Who has not signed in; whose account was closed while he was signed in; who has to choose a password first."""
PARTY, OTHER, NATURAL, EXPERT, GONE = "wang", "feng", "gu", "qin", "tuo"
"""Of the unit A; of the unit B; a natural person; one with a seat in the case of B; one whom unit A has let go."""
HANDLER, INTAKE, CLERK, LEADER, DEPUTY, FOREIGN, ADMIN = "zhou", "li", "tao", "chen", "zhao", "xu", "admin"
"""Officials of A, the deputy of its leader without a role of his own; the officer of B; the administrator."""
EVERYBODY = (
    NOBODY, CLOSED, NEW, PARTY, OTHER, NATURAL, EXPERT, GONE, HANDLER, INTAKE, CLERK, LEADER, DEPUTY, FOREIGN, ADMIN,
)  # fmt: skip


class Undone(Database):
    """A database whose transactions are savepoints of one that is rolled back."""

    def __init__(self, of: Database, connection: Connection) -> None:
        self.url, self.engine, self._connection = of.url, of.engine, connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """As in every database, but that nothing stays."""
        with Session(self._connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as tx:
            yield tx
            tx.commit()

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens within leaves no trace."""
        savepoint = self._connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()


@dataclass
class Town:
    """The portal with everybody in it; `things` are the values of the parameters of addresses, by place."""

    portal: Portal
    things: dict[str, dict[str, object]] = field(default_factory=lambda: {"A": {}, "B": {}})
    browsers: dict[str, Browser] = field(default_factory=dict)

    def browser(self, who: str) -> Browser:
        """The browser of somebody, the same each time."""
        return self.browsers[who]

    def of(self, place: str) -> Mapping[str, object]:
        """What there is in a place."""
        return self.things[place]


def town(portal: Portal) -> Town:
    """Everybody, and everything there is."""
    made = Town(portal)
    _people(made)
    _place_a(made)
    _place_b(made)
    for who in EVERYBODY:
        made.browsers[who] = portal.client(None if who == NOBODY else who)
    for place, applicant in (("A", PARTY), ("B", OTHER)):
        goes_on = made.browser(applicant).get(f"/file/{made.of(place)['draft_id']}").location
        made.things[place]["step"] = goes_on.rpartition("/")[2]
    _sessions(made)
    with portal.database.transaction() as tx:
        tx.get_one(Person, portal.people[CLOSED]).active = False
    return made


def _regulation_b() -> Content:
    """Papers that experts give opinions on, plans that are shown to everybody, and objections to those."""
    return Content(REGULATION, {**publicity.regulation().files, **one_expert().files})


def _people(town: Town) -> None:
    portal = town.portal
    with portal.database.transaction() as tx:
        publish(tx, _regulation_b(), portal.now, "test")
        hash_of = tx.get_one(Person, portal.people[PARTY]).password_hash

        def unit(uscc: str, name: str, kind: str) -> int:
            added = identity.add_organisation(tx, uscc=uscc, name=name, district="万州区", kinds=[kind])
            added.electronic_service_since = clock.start_of(LONG_AGO)
            return added.id

        def person(login: str, organisation: int | None = None, **more: object) -> None:
            row = Person(login=login, name=login, password_hash=hash_of, organisation_id=organisation, **more)
            tx.add(row)
            tx.flush()
            portal.people[login] = row.id  # type: ignore[index]

        unit_b = unit(UNIT_B, "某钢铁有限公司", "enterprise")
        town.things["B"]["organisation_id"], town.things["A"]["organisation_id"] = unit_b, portal.unit_id
        person(OTHER, unit_b)
        person(NATURAL, unit(SECOND, "顾某", "person"))
        person(EXPERT, unit(FIRST, "秦某", "person"))
        person(GONE, applicant=True)
        for login in (DEPUTY, CLOSED, FOREIGN):
            person(login)
        person(NEW, must_change_password=True)
        person(ADMIN, administrator=True)
        system = Person(login="meter", name="计量系统", password_hash="", purpose="报送", owner="某工 023-1")
        tx.add(system)
        tx.flush()
        for endpoint in ("system_page", "issue_token"):
            town.things["A"][f"admin.{endpoint}.person_id"] = system.id
        for place, holder in (("A", PARTY), ("B", OTHER)):
            token = Token(
                person_id=portal.people[holder], name="脚本", digest=hashlib.sha256(holder.encode()).digest(),
                scopes=["read"], issued_at=portal.now, until_day=clock.day_of(portal.now),
            )  # fmt: skip
            tx.add(token)
            tx.flush()
            town.things[place]["token_id"] = token.id
        for place in ("A", "B"):
            # Of accounts that administrators look after; those of applicants are none.
            token = Token(
                person_id=system.id, name=f"计量 {place}", digest=hashlib.sha256(place.encode()).digest(),
                scopes=["read"], issued_at=portal.now, until_day=clock.day_of(portal.now),
            )  # fmt: skip
            tx.add(token)
            tx.flush()
            town.things[place]["admin.token_id"] = token.id
        person("mate", portal.unit_id)
        person("mate-b", unit_b)
        for login, regulation, role in (
            (CLOSED, ETS, "handler"), (NEW, ETS, "handler"), (FOREIGN, REGULATION, "officer"),
        ):  # fmt: skip
            identity.grant_role(tx, person_id=portal.people[login], regulation=regulation, role=role, from_day=LONG_AGO)
        lent = Delegation(
            from_person_id=portal.people[LEADER], to_person_id=portal.people[DEPUTY], regulation=ETS, role="leader",
            from_day=clock.day_of(portal.now), to_day=clock.day_of(portal.now) + timedelta(days=30), reason="出差",
            made_by_id=portal.people[LEADER], made_at=portal.now,
        )  # fmt: skip
        tx.add(lent)
        tx.flush()
        town.things["A"]["delegation_id"] = lent.id
        for place, holder in (("A", HANDLER), ("B", FOREIGN)):
            of_holder = select(Grant.id).where(Grant.person_id == portal.people[holder])
            town.things[place]["grant_id"] = tx.scalars(of_holder).one()
        for place, manager, organisation in (("A", PARTY, portal.unit_id), ("B", OTHER, unit_b)):
            made = portal.now
            row = Invitation(
                organisation_id=organisation, code=hashlib.sha256(manager.encode()).digest(), rights=["read"],
                note="同事", made_by_id=portal.people[manager], made_at=made, expires_at=made + timedelta(days=7),
            )  # fmt: skip
            tx.add(row)
            tx.flush()
            town.things[place]["invitation_id"] = row.id


def _place_a(town: Town) -> None:
    """A review of a notice that waits for intake, and what hangs together with it."""
    portal, things = town.portal, town.things["A"]
    review = portal.review()
    case = portal.case(review)
    with portal.database.transaction() as tx:
        letter = tx.scalars(select(Letter).where(Letter.case_id == case.about_id)).one()
        services = select(Service).where(Service.letter_id == letter.id)
        service = tx.scalars(services.where(Service.organisation_id == portal.unit_id)).one()
        letter.pdf_key, letter.pdf_sha256 = letter.object_key, letter.sha256
        letter.pdf_size = letter.size
        copy = tx.scalars(services.where(Service.kind == "copy")).one()
        proof = tx.scalars(select(ServiceProof).where(ServiceProof.service_id == service.id)).first()
        record = tx.scalars(select(Record).where(Record.register == "emitters")).first()
        assert proof is not None
        assert record is not None
        things |= {
            "case_id": review, "letter_id": letter.id, "service_id": service.id,
            "official.copy_page.service_id": copy.id, "official.copy_file.service_id": copy.id, "proof_id": proof.id,
            "task_id": portal.task("check", review), "record_id": record.id, "regulation": ETS,
            "register": "emitters", "procedure": "allocation-review",
        }  # fmt: skip
        _common(town, tx, "A", PARTY, HANDLER, "ETS 的材料")
        at = portal.now.isoformat()
        matter = DeskMatter(
            case_id=review, regulation=ETS, role="leader", kind="overdue", key="1",
            details={"title": "复核", "deadline": "review", "old_due": at, "new_due": at}, raised_at=portal.now,
            decided_at=portal.now, decision="settled",
        )  # fmt: skip
        renewal = Renewal(
            regulation=ETS, number="续1", title="续期", from_day=LONG_AGO, last_day=None, assumed=False, source="公报",
            reason="", entered_at=portal.now,
        )  # fmt: skip
        registration = Registration(
            once="once", person_id=portal.people[GONE], uscc=UNIT_B, name="某公司", district="万州区",
            kind="enterprise", electronic_service=True, joins=True, rights=["read"], handed_in_at=portal.now,
        )  # fmt: skip
        tx.add_all([matter, renewal, registration])
        tx.flush()
        key = "licence"
        portal.machine.store.put(key, PDF, len(PDF), "application/pdf")
        shown = Proof(
            registration_id=registration.id, key=key, name="执照.pdf", kind="pdf", size=len(PDF),
            sha256=hashlib.sha256(PDF).hexdigest(),
            kept_at=portal.now,
        )  # fmt: skip
        tx.add(shown)
        tx.flush()
        things |= {
            "matter_id": matter.id, "renewal_id": renewal.id, "registration_id": registration.id,
            "registration.proof.proof_id": shown.id, "switching.code": "en", "verifying.code": letter.verification_code,
            "release_id": 1, "filename": "x", "draw_id": 1, "name": "withdraw", "place": 0, "deed": "close",
            "job_id": 1, "official.procedure": "allocation",
        }  # fmt: skip
        item = tx.scalars(select(StartItem)).one()
        things |= {"item_id": item.id}
        for endpoint in ("items_page", "retry_all", "answered_rows"):
            things[f"official.{endpoint}.case_id"] = item.starter_id
        things["official.answered_rows.name"] = "units"
        _close_file(tx, review, portal.now)


def _close_file(tx: Session, case_id: int, moment: datetime) -> None:
    """The file of a case, closed with nothing in it."""
    act = tx.scalars(select(ActRecord.id)).first()
    row = Archive(case_id=case_id, act_id=act, begun_at=moment, retention="永久", listed={"pieces": []})
    row.closed_at, row.sha256 = moment, hashlib.sha256(archiving.text_of(row)).hexdigest()
    tx.add(row)


def _place_b(town: Town) -> None:
    """A paper on which an expert is to give his opinion."""
    portal, things = town.portal, town.things["B"]
    with portal.database.transaction() as tx:
        paper = _file(town, tx, OTHER, "B 的材料")
        town.things["B"]["attachment_id"] = paper
    feng, kernel = portal.actor(OTHER), portal.machine.kernel
    with portal.database.transaction() as tx:
        answers = {"title": "某题目", "paper": [str(paper)]}
        case = filing.file(kernel, tx, feng, REGULATION, "paper", answers, kernel.now(tx)).id
    portal.complete(FOREIGN, portal.task("assign", case), {"expert": FIRST})
    _shown_to_everybody(town)
    things |= {
        "case_id": case, "task_id": portal.task("opinion", case), "regulation": REGULATION, "procedure": "paper",
        "name": "replace", "applicant.name": "withdraw", "deed": "close",
    }  # fmt: skip
    with portal.database.transaction() as tx:
        _common(town, tx, "B", OTHER, FOREIGN, "")


def _shown_to_everybody(town: Town) -> None:
    """A plan of the unit of B, to which anybody may object."""
    portal, kernel = town.portal, town.portal.machine.kernel
    with portal.database.transaction() as tx:
        text = _file(town, tx, OTHER, "方案")
    with portal.database.transaction() as tx:
        answers = {"title": "绿道", "text": [str(text)]}
        filing.file(kernel, tx, portal.actor(OTHER), REGULATION, "plan", answers, kernel.now(tx))
    with portal.database.transaction() as tx:
        town.things["B"]["notice_id"] = tx.scalars(select(Publication.id)).one()
        town.things["B"]["notices.attachment_id"] = text


def _common(town: Town, tx: Session, place: str, applicant: str, official: str, file: str) -> None:
    """What there is in either place."""
    portal, things = town.portal, town.things[place]
    case, now = things["case_id"], portal.now
    if file:
        attachment = _file(town, tx, applicant, file)
        # Of the unit, and uploaded by one who has left it since.
        of_case = {"case_id": case, "uploaded_by_id": portal.people[GONE]}
        tx.execute(update(Attachment).where(Attachment.id == attachment).values(**of_case))
        things["attachment_id"] = attachment
    deadline = tx.scalars(select(Deadline.id).where(Deadline.case_id == case)).first()
    mine = portal.actor(applicant)
    draft = Filing(
        person_id=mine.person_id, organisation_id=mine.organisation_id, regulation=things["regulation"],
        procedure=things["procedure"], about_id=portal.case(int(str(case))).about_id, saved_at=now,
    )  # fmt: skip
    letter = PortalMessage(
        person_id=mine.person_id, organisation_id=mine.organisation_id, case_id=case, kind="note", at=now,
        title="消息", body="正文",
    )  # fmt: skip
    saved = SavedFilter(person_id=portal.people[official], name="我的", query="view=all", saved_at=now)
    incident = Incident(case_id=case, at=now, during="测试", what="ValueError: x")
    tx.add_all([saved, incident, draft, letter])
    tx.flush()
    things |= {
        "deadline_id": deadline or 0, "filter_id": saved.id, "incident_id": incident.id, "draft_id": draft.id,
        "message_id": letter.id, "person_id": portal.people["mate" if place == "A" else "mate-b"],
        "admin.person_id": portal.people[official],
    }  # fmt: skip


def _sessions(town: Town) -> None:
    """The sessions of an applicant and of an official on another device each."""
    portal = town.portal
    for place, who in (("A", PARTY), ("B", OTHER)):
        portal.client(who)
        with portal.database.transaction() as tx:
            newest = select(SignedIn.id).where(SignedIn.person_id == portal.people[who]).order_by(SignedIn.id.desc())
            town.things[place]["session_id"] = tx.scalars(newest).first()


def _file(town: Town, tx: Session, by: str, name: str) -> int:
    """A file of somebody's that no answer names yet; its id."""
    portal, key = town.portal, f"file-{by}-{name}"
    portal.machine.store.put(key, PDF, len(PDF), "application/pdf")
    actor = portal.actor(by)
    row = Attachment(
        uploaded_by_id=actor.person_id, organisation_id=actor.organisation_id, uploaded_at=portal.now, key=key,
        name=f"{name}.pdf", kind="pdf", size=len(PDF), sha256=hashlib.sha256(PDF).hexdigest(),
    )  # fmt: skip
    tx.add(row)
    tx.flush()
    return row.id
