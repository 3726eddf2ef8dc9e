"""Mail: who gets which, as a mail server receives it; codes; what follows when the server is away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from sqlalchemy import func, select, text, update

from portal import clock, notify
from portal.cases.models import Case, Incident
from portal.identity import Person, profile
from portal.identity.models import EmailCheck
from portal.jobs import build_app
from portal.notify import PortalMessage, Post
from portal.notify.mail import AddressRefused, Mail, MailServerFails, composed, deliver
from portal.settings import MailSettings
from portal.storage import MemoryStore
from portal.worker import Tools
from portal.worker import jobs as work
from portal.worker.mail import OUTSTANDING, send_code, send_message
from tests.builders.post import Inbox, free_port, listening
from tests.features.test_act_costs import counted
from tests.worker.conftest import incidents, jobs

ADDRESS = "wang@cement.example"
SENDER = "重庆市生态环境局 <no-reply@portal.example>"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox) -> Iterator[Controller]:
    with listening(inbox) as controller:
        yield controller


def settings(port: int, **more: object) -> MailSettings:
    return MailSettings("127.0.0.1", port, "plain", SENDER, **more)  # type: ignore[arg-type]


@pytest.fixture
def tools(own_database, bureau, server) -> Tools:
    bureau.kernel = replace(bureau.kernel, mails=True)
    return Tools(own_database, MemoryStore(), bureau.kernel, "https://portal.example", settings(server.port))


@pytest.fixture
def wang(bureau, tools) -> int:
    """A person of the unit who has proved an address."""
    proved(bureau, bureau.wang.person_id)
    return bureau.wang.person_id


def proved(bureau, person_id: int, address: str = ADDRESS) -> None:
    change = update(Person).where(Person.id == person_id)
    bureau.run.act(lambda tx: tx.execute(change.values(email=address, email_verified_at=bureau.now)))


def told(
    bureau, *people: int, title: str = "请办理：补正材料", body: str = "请在 2026-09-24 24:00 前办理。"
) -> list[int]:
    """Sends a message about a case; the ids of the messages."""
    case = case_of(bureau)

    def send(tx):
        last = tx.scalar(select(func.max(PortalMessage.id))) or 0
        post = bureau.kernel.post(tx)
        notify.send(post, people, case_id=case.id, kind="task", at=bureau.now, title=title, body=body)
        return list(tx.scalars(select(PortalMessage.id).where(PortalMessage.id > last).order_by(PortalMessage.id)))

    return bureau.run.act(send)


def case_of(bureau) -> Case:
    if not bureau.cases("allocation-notice"):
        bureau.notice()
    return bureau.run.read(lambda tx: tx.get(Case, bureau.cases("allocation-notice")[0].id))


def message(bureau, message_id: int) -> PortalMessage:
    return bureau.run.read(lambda tx: tx.get(PortalMessage, message_id))


def mail_jobs(database) -> list[tuple[str, str, int]]:
    return [job for job in jobs(database) if job[0].startswith("mail.")]


def do(tools, name: str, attempts: int, **arguments: object) -> None:
    """Runs a job as the worker does, the earlier attempts having failed."""
    job = SimpleNamespace(id=7, attempts=attempts, task_name=name, task_kwargs=arguments)
    work._task(tools, work.JOBS[name])(SimpleNamespace(job=job), **arguments)


def test_a_message_comes_as_mail(bureau, tools, wang, inbox, own_database):
    [sent] = told(bureau, wang)
    assert mail_jobs(own_database) == [("mail.send", "todo", 0)]
    before = clock.now()
    send_message(tools, "1", sent)

    [mail], number = inbox.mails, case_of(bureau).number
    assert inbox.envelopes == [("no-reply@portal.example", [ADDRESS])]
    assert mail["From"] == SENDER
    assert mail["To"] == ADDRESS
    assert mail["Subject"] == f"请办理：补正材料（{number}）"
    assert mail["Message-ID"] == f"<message-{sent}@portal.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "zh-CN"
    assert mail["Date"].datetime >= before.replace(microsecond=0)
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n") == (
        "王，您好：\n\n请办理：补正材料\n请在 2026-09-24 24:00 前办理。\n\n"
        f"案件：配额分配通知（{number}）\n登录门户查看和办理：https://portal.example/messages/{sent}\n\n———\n"
        "您收到这封邮件，是因为您在本门户绑定了本邮箱并开启了邮件提醒。\n"
        "不想再收到：登录后在 https://portal.example/profile 关闭“邮件提醒”。\n"
        "邮件只作提醒，不是送达；期限以门户中和文书上写明的为准。本邮件由系统发送，请勿回复。\n"
    )
    assert message(bureau, sent).mailed_at >= before


def test_a_job_that_runs_twice_sends_once(bureau, tools, wang, inbox):
    [sent] = told(bureau, wang)
    send_message(tools, "1", sent)
    send_message(tools, "1", sent)
    assert len(inbox.mails) == 1


def test_a_worker_that_dies_after_the_server_s_answer_sends_the_same_mail_again(bureau, tools, wang, inbox):
    [sent] = told(bureau, wang)
    send_message(tools, "1", sent)
    bureau.run.act(lambda tx: tx.execute(update(PortalMessage).values(mailed_at=None)))
    send_message(tools, "1", sent)
    assert [mail["Message-ID"] for mail in inbox.mails] == [f"<message-{sent}@portal.example>"] * 2


def test_a_letter_s_mail_tells_nothing_of_what_it_says(bureau, tools, wang, inbox, own_database):
    notice = bureau.notice()
    [letter] = notice.letters
    work.letters.render_letter(tools, "1", letter.id)
    [waiting] = bureau.run.read(lambda tx: notify.of_person(tx, wang, 10))
    send_message(tools, "2", waiting.id)
    [mail] = inbox.mails
    assert mail["Subject"] == f"有文书待签收（{case_of(bureau).number}）"
    said = mail.get_content().replace(",", "")
    assert letter.number in said
    assert "打开并签收后才能看到内容" in said
    assert "1200000" not in said


@pytest.mark.parametrize(
    "change",
    [
        {"email_verified_at": None},
        {"email": None, "email_verified_at": None},
        {"mail_on": False},
        {"active": False},
        {"organisation_id": None, "rights": []},
    ],
    ids=["unproved", "no address", "switched off", "locked", "has left"],
)
def test_whoever_is_not_to_be_mailed_gets_none(bureau, tools, wang, inbox, change):
    [sent] = told(bureau, wang)
    bureau.run.act(lambda tx: tx.execute(update(Person).where(Person.id == wang).values(**change)))
    send_message(tools, "1", sent)
    assert inbox.mails == []
    assert message(bureau, sent).mailed_at is None


def test_what_was_read_in_the_portal_is_not_mailed(bureau, tools, wang, inbox):
    [sent] = told(bureau, wang)
    bureau.run.act(lambda tx: notify.mark_read(tx, wang, bureau.now))
    send_message(tools, "1", sent)
    assert inbox.mails == []


def test_no_job_is_deferred_for_those_without_mail(bureau, tools, own_database):
    other, off = bureau.person("赵", of=bureau.cement), bureau.person("钱", of=bureau.cement)
    proved(bureau, off.person_id)
    bureau.run.act(lambda tx: profile.switch_mail(tx, off.person_id, on=False))
    told(bureau, other.person_id, off.person_id)
    assert mail_jobs(own_database) == []


def test_a_portal_without_mail_server_defers_nothing(bureau, own_database):
    proved(bureau, bureau.wang.person_id)
    told(bureau, bureau.wang.person_id)
    assert mail_jobs(own_database) == []


def test_a_message_that_was_rolled_back_is_not_mailed(bureau, tools, wang, own_database):
    case = case_of(bureau)

    def broken(tx):
        post = Post(tx, bureau.kernel.queue)
        notify.send(post, [wang], case_id=case.id, kind="task", at=bureau.now, title="x", body="y")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        own_database.attempt(broken)
    assert mail_jobs(own_database) == []


def test_two_thousand_people_cost_a_handful_of_statements(bureau, tools, own_database):
    case = case_of(bureau)
    rows = (
        "INSERT INTO persons (login, name, password_hash, organisation_id, applicant, rights, active, administrator, "
    )
    rows += "must_change_password, email, email_verified_at, mail_on) SELECT 'many-' || n, '某', '', :unit, true, "
    rows += "'[\"file\"]', true, false, false, 'p' || n || '@x.example', now(), true FROM generate_series(1, 2000) n"
    with own_database.transaction() as tx:
        tx.execute(text(rows), {"unit": bureau.cement})
        everybody = tx.scalars(select(Person.id).where(Person.login.like("many-%"))).all()
    with own_database.transaction() as tx, counted(tx) as statements:
        post = bureau.kernel.post(tx)
        sent = notify.send(post, everybody, case_id=case.id, kind="task", at=bureau.now, title="x", body="y")
    assert sent == 2000
    assert len(statements) == 2, statements  # and one of the queue, on the driver's own connection
    assert len(mail_jobs(own_database)) == 2000


def test_a_server_that_is_away_is_tried_again_then_told_once_and_made_up_for(bureau, tools, wang, inbox, own_database):
    first, second = [told(bureau, wang)[0] for _ in range(2)]
    away = replace(tools, mail=settings(free_port()))
    for attempts in range(4):
        with pytest.raises(MailServerFails):
            do(away, notify.SEND, attempts, message_id=first)
    assert incidents(own_database) == []
    do(away, notify.SEND, 4, message_id=first)
    do(away, notify.SEND, 4, message_id=second)

    [incident] = incidents(own_database)
    assert incident.during == "发送邮件"
    assert incident.what.startswith("邮件服务器 127.0.0.1 没有接收邮件：")
    assert incident.what.endswith("。消息仍在门户中，可以登录查看。")
    assert incident.again == {"how": "job", "name": OUTSTANDING, "arguments": {"since_id": first}}
    assert message(bureau, first).mailed_at is None

    with own_database.transaction() as tx:
        tx.execute(text("DELETE FROM procrastinate_jobs"))
    do(tools, OUTSTANDING, 0, **incident.again["arguments"])
    assert mail_jobs(own_database) == [("mail.send", "todo", 0)] * 2
    run_worker(tools)
    assert [mail["Message-ID"] for mail in inbox.mails] == [f"<message-{n}@portal.example>" for n in (first, second)]
    assert mail_jobs(own_database) == []


def test_a_message_given_up_after_a_later_one_is_made_up_for_too(bureau, tools, wang, own_database):
    first, second = [told(bureau, wang)[0] for _ in range(2)]
    away = replace(tools, mail=settings(free_port()))
    for message_id in (second, first, second):
        do(away, notify.SEND, 4, message_id=message_id)
    [incident] = incidents(own_database)
    assert incident.again == {"how": "job", "name": OUTSTANDING, "arguments": {"since_id": first}}


def run_worker(tools) -> None:
    """A worker does what waits, then stops."""

    async def all_done() -> None:
        app = build_app(tools.database.url)
        work.register(app, tools)
        async with app.open_async():
            await app.run_worker_async(wait=False, delete_jobs="successful", install_signal_handlers=False)

    asyncio.run(all_done())


def test_an_address_that_is_refused_for_good_is_not_tried_again(bureau, tools, wang, inbox, own_database):
    [sent] = told(bureau, wang)
    inbox.says = "550 no such mailbox"
    do(tools, notify.SEND, 0, message_id=sent)
    [incident] = incidents(own_database)
    assert incident.what == (f"邮件服务器拒绝向 {ADDRESS} 投递：550 no such mailbox。消息仍在门户中，可以登录查看。")


@pytest.mark.parametrize("answer", ["says", "takes"])
def test_a_server_that_is_busy_is_asked_again(bureau, tools, wang, inbox, answer):
    [sent] = told(bureau, wang)
    setattr(inbox, answer, "451 try later")
    with pytest.raises(MailServerFails, match="451"):
        send_message(tools, "1", sent)
    setattr(inbox, answer, "250 OK")
    send_message(tools, "1", sent)
    assert len(inbox.mails) == 1


def test_letters_are_made_before_mail_is_sent(bureau, tools, wang, own_database):
    told(bureau, wang)
    rows = "SELECT priority FROM procrastinate_jobs WHERE task_name = 'mail.send'"
    with own_database.transaction() as tx:
        assert tx.scalars(text(rows)).all() == [-10]


def test_a_code_proves_an_address(bureau, tools, inbox, own_database):
    wang = bureau.wang.person_id
    bureau.run.act(lambda tx: profile.give_email(tx, wang, ADDRESS, clock.now()))
    told(bureau, wang)
    assert mail_jobs(own_database) == []
    send_code(tools, "1", wang)
    [mail] = inbox.mails
    code = re.fullmatch(r"验证码 (\d{6})", mail["Subject"])[1]
    assert f"您的验证码是 {code}，30 分钟内有效。" in mail.get_content()
    assert code not in str(bureau.run.read(lambda tx: tx.scalars(select(EmailCheck.code)).one()))

    wrong = f"{(int(code) + 1) % 10**6:06}"
    refused = bureau.run.act(lambda tx: profile.prove_email(tx, wang, wrong, clock.now()))
    assert refused.text("zh") == "验证码不正确，还可以输入 4 次。请核对最近一封邮件中的 6 位数字。"
    assert bureau.run.act(lambda tx: profile.prove_email(tx, wang, f" {code[:3]} {code[3:]} ", clock.now())) is None
    [sent] = told(bureau, wang)
    send_message(tools, "2", sent)
    assert len(inbox.mails) == 2


def test_a_code_is_good_for_five_tries_and_thirty_minutes(bureau, tools):
    wang, now = bureau.wang.person_id, clock.now()

    def drawn(at=now):
        bureau.run.act(lambda tx: profile.give_email(tx, wang, ADDRESS, at))
        return bureau.run.act(lambda tx: profile.draw_code(tx, wang, at)).code

    def tried(code, at=now):
        return bureau.run.act(lambda tx: profile.prove_email(tx, wang, code, at))

    code = drawn()
    answers = [tried("x") for _ in range(6)]
    assert [type(answer) for answer in answers] == [profile.WrongCode] * 4 + [profile.CodeOver] * 2
    assert isinstance(tried(code), profile.CodeOver)
    code = drawn()
    assert isinstance(tried(code, now + profile.timedelta(minutes=31)), profile.CodeOver)
    assert tried(code, now + profile.timedelta(minutes=30)) is None
    assert bureau.run.act(lambda tx: profile.draw_code(tx, wang, now)) is None


def test_codes_are_not_mailed_to_strangers_without_end(bureau, tools):
    wang, now = bureau.wang.person_id, clock.now()
    for number in range(5):
        bureau.run.act(lambda tx, n=number: profile.give_email(tx, wang, f"a{n}@x.example", now))
    with pytest.raises(profile.TooManyCodes):
        bureau.run.act(lambda tx: profile.give_email(tx, wang, ADDRESS, now))


def test_a_mistyped_address_is_told_to_whoever_typed_it(bureau, tools, inbox, own_database):
    wang = bureau.wang.person_id
    bureau.run.act(lambda tx: profile.give_email(tx, wang, ADDRESS, clock.now()))
    inbox.says = "550 no such mailbox"
    do(tools, notify.SEND_CODE, 0, person_id=wang)
    check = bureau.run.read(lambda tx: profile.check_of(tx, wang))
    assert check.fault == f"邮件服务器拒绝向 {ADDRESS} 投递：550 no such mailbox。"
    assert incidents(own_database) == []


def test_no_header_is_smuggled_in():
    mail = Mail(ADDRESS, "标题\r\nBcc: all@example.org\n", "正文", "message-1\r\nX: y")
    letter = composed(settings(25), mail, clock.now())
    assert letter["Bcc"] is None
    assert letter["X"] is None
    assert letter["Subject"] == "标题 Bcc: all@example.org"


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_server_that_asks_for_a_password_gets_it(inbox):
    def known(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"portal", b"p@ss:word"))

    options = {"authenticator": known, "auth_require_tls": False, "auth_required": True}
    mail = Mail(ADDRESS, "标题", "正文", "message-1")
    with listening(inbox, **options) as server:
        deliver(settings(server.port, user="portal", password="p@ss:word"), mail, clock.now())
        with pytest.raises(MailServerFails):
            deliver(settings(server.port, user="portal", password="wrong"), mail, clock.now())
    assert len(inbox.mails) == 1


def test_nothing_is_sent_in_the_clear_where_it_should_not(inbox, server):
    wanted = replace(settings(server.port), security="starttls")
    with pytest.raises(MailServerFails, match="STARTTLS"):
        deliver(wanted, Mail(ADDRESS, "标题", "正文", "message-1"), clock.now())
    assert inbox.mails == []


def test_a_refused_recipient_is_told_with_the_server_s_words(inbox, server):
    inbox.says = "550 no such mailbox"
    with pytest.raises(AddressRefused, match="550 no such mailbox"):
        deliver(settings(server.port), Mail(ADDRESS, "标题", "正文", "message-1"), clock.now())


def test_one_incident_may_follow_another_that_was_closed(bureau, tools, wang, own_database):
    [sent] = told(bureau, wang)
    away = replace(tools, mail=settings(free_port()))
    do(away, notify.SEND, 4, message_id=sent)
    with own_database.transaction() as tx:
        by = update(Incident).values(closed_at=bureau.now, closed_by_id=wang, reason="已恢复")
        tx.execute(by)
    do(away, notify.SEND, 4, message_id=sent)
    assert len(incidents(own_database)) == 2
