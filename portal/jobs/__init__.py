"""Work to be done later: deferred by name, inside the caller's transaction, kept in PostgreSQL."""

from portal.jobs.procrastinating import (
    ProcrastinateQueue,
    build_app,
    is_last_attempt,
    last_heartbeat,
    make_tables,
    retry,
    schema,
)
from portal.jobs.queue import Collected, Deferred, Queue

__all__ = [
    "Collected",
    "Deferred",
    "ProcrastinateQueue",
    "Queue",
    "build_app",
    "is_last_attempt",
    "last_heartbeat",
    "make_tables",
    "retry",
    "schema",
]
