"""A brake on what is tried without signing in, counted by address; real time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db import locks
from portal.identity.entry import ATTEMPTS_ALLOWED, ATTEMPTS_WITHIN
from portal.identity.models import AddressAttempt

NETWORK_BITS = 64
"""What is handed out to one IPv6 customer, at the least: he may come from any address in it."""


def network_of(address: str) -> str:
    """By what a network address is counted: itself, or its whole network for IPv6; as it is when it is no address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, NETWORK_BITS), strict=False))


def too_many(tx: Session, kind: str, address: str, now: datetime) -> bool:
    """Whether an address has tried something as often lately as it may."""
    lately = select(func.count()).where(
        AddressAttempt.kind == kind,
        AddressAttempt.address == address,
        AddressAttempt.moment > now - ATTEMPTS_WITHIN[kind],
    )
    return (tx.scalar(lately) or 0) >= ATTEMPTS_ALLOWED[kind]


def queue_up(tx: Session, counted: Mapping[str, str]) -> None:
    """Has attempts of the same kind from the same address wait for each other, so that none is answered too many."""
    locks.take(tx, *(f"attempt/{kind}/{address}" for kind, address in counted.items()))


def note(tx: Session, kind: str, address: str, now: datetime) -> None:
    """Counts an attempt."""
    tx.add(AddressAttempt(kind=kind, address=address, moment=now))
    tx.flush()


def counted(tx: Session, kind: str, address: str, now: datetime) -> bool:
    """Counts one more attempt; False when there have been too many."""
    queue_up(tx, {kind: address})
    if too_many(tx, kind, address, now):
        return False
    note(tx, kind, address, now)
    return True


def sweep(tx: Session, now: datetime) -> None:
    """Forgets attempts that count for nothing any more."""
    for kind, within in ATTEMPTS_WITHIN.items():
        tx.execute(delete(AddressAttempt).where(AddressAttempt.kind == kind, AddressAttempt.moment <= now - within))
