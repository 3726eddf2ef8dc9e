"""Addresses of files (ASVS 8.2.2, 14.2.1): they open for whoever may read them, as long as he may, and nobody else."""

from __future__ import annotations

import pytest

from portal import clock
from portal.identity import access, membership
from portal.identity.access import ACCESS, Permission, is_signed_in
from tests.builders.everybody import (
    CLOSED,
    DEPUTY,
    EXPERT,
    FOREIGN,
    GONE,
    HANDLER,
    NATURAL,
    NOBODY,
    OTHER,
    PARTY,
    town,
)

STRANGERS = (NOBODY, CLOSED, OTHER, NATURAL, EXPERT, GONE, FOREIGN)
"""Who may open nothing of unit A's review."""


@pytest.fixture
def made(portal):
    return town(portal)


def links(made):
    """Every address of a file of A."""
    a = made.of("A")
    letter, file, case = a["letter_id"], a["attachment_id"], a["case_id"]
    return [
        f"/letters/{letter}/file",
        f"/letters/{letter}.pdf",
        f"/letters/{letter}/preview",
        f"/attachments/{file}",
        f"/attachments/{file}/preview",
        f"/attachments/{file}/shown",
        f"/cases/{case}/archive.zip",
        f"/cases/{case}/archive.json",
        f"/registration/proofs/{a['registration.proof.proof_id']}",
    ]


def opened(made, who, addresses):
    """Which of the addresses somebody gets something from."""
    return [one for one in addresses if made.browser(who).get(one).status_code // 100 == 2]


def test_no_link_opens_for_a_stranger_or_with_another_number(made, proof):
    all_of_them = links(made)
    leaks = {who: opened(made, who, all_of_them) for who in STRANGERS}
    leaks[GONE].remove(all_of_them[-1])  # the proof of his own registration
    altered = [
        one.replace(f"/{number}", f"/{other}", 1)
        for one in all_of_them
        for number in [one.split("/")[2].split(".")[0]]
        for other in (10**9, -1, f"{number}x", f"{number}%00")
    ]
    leaks["altered"] = opened(made, PARTY, altered)
    proof.says(
        "S17",
        "links to files open for nobody else and under no other number",
        "0 leaks; TTL ≤ 60 s",
        links=len(all_of_them),
        tried=len(all_of_them) * len(STRANGERS) + len(altered),
        leaks=sum(map(len, leaks.values())),
        presigned=0,
    )
    assert {who: found for who, found in leaks.items() if found} == {}
    assert opened(made, PARTY, all_of_them) == all_of_them[:6]


def test_a_link_is_dead_once_its_reader_has_left_been_closed_or_signed_out(made, proof):
    portal, kept = made.portal, links(made)[:6]
    assert opened(made, PARTY, kept) == kept
    with portal.database.transaction() as tx:
        membership.remove(tx, portal.actor("mate"), portal.people[PARTY], portal.now, clock.now())
    left = opened(made, PARTY, kept)
    again = portal.client(PARTY)
    back = [one for one in kept if again.get(one).status_code // 100 == 2]
    assert opened(made, HANDLER, kept) == kept
    made.browser(HANDLER).post("/sign-out")
    signed_out = opened(made, HANDLER, kept)
    assert opened(made, DEPUTY, kept) == kept
    ending = made.browser("chen").post(f"/delegations/{made.of('A')['delegation_id']}/end", {"reason": "回岗"})
    assert ending.status_code == 303
    lent = opened(made, DEPUTY, kept)
    proof.says(
        "S17",
        "a link is dead after leaving, signing out, and the end of a delegation",
        "0 leaks",
        left=len(left),
        back=len(back),
        signed_out=len(signed_out),
        lent=len(lent),
    )
    assert (left, back, signed_out, lent) == ([], [], [], [])


def test_a_letter_opens_for_its_addressee_only_after_he_has_signed(portal):
    _case, letter = portal.notice()
    portal.rendered(letter)
    kept = [f"/letters/{letter}/file", f"/letters/{letter}.pdf", f"/letters/{letter}/preview"]
    assert [portal.client("wang").get(one).status_code for one in kept] == [404, 404, 404]


def test_a_link_that_opens_for_everybody_is_noticed(made, monkeypatch, proof):
    monkeypatch.setattr(access, "ACCESS", {**ACCESS, Permission.ATTACHMENT_READ: [[is_signed_in]]})
    leaks = opened(made, OTHER, links(made))
    proof.catches("S17", "every attachment opens for whoever is signed in", leaks=len(leaks))
    assert leaks


def test_no_page_hands_out_an_address_of_the_object_store(made):
    """Files are streamed by the portal, which asks each time: nothing is signed in advance and outlives it."""
    assert not any(hasattr(made.portal.machine.store, name) for name in ("presigned", "presigned_get", "url"))
    a = made.of("A")
    for who, path in ((PARTY, f"/my/cases/{a['case_id']}"), (HANDLER, f"/letters/{a['letter_id']}")):
        assert "X-Amz-" not in made.browser(who).get(path, follow_redirects=True).text
