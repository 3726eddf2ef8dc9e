"""`/metrics`: how the portal stands, for Prometheus; told to this machine itself, or to who knows METRICS_TOKEN."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from ipaddress import ip_address

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from werkzeug.exceptions import NotFound

from portal.db.database import DatabaseBusy, DatabaseUnreachable
from portal.edge.counters import BOUNDS, Counters
from portal.edge.machine import machine
from portal.web import gauges
from portal.web.access import open_to_all

EXTENSION = "portal counters"

blueprint = Blueprint("metrics", __name__)


class Standing(Collector):
    """What was answered since the start of this web server, and how everything stands now."""

    def collect(self) -> Iterator[Metric]:
        """All of it; without a database what can be told without one."""
        counters: Counters = current_app.extensions[EXTENSION]
        yield from _answered(counters)
        yield from gauges.of_objects()
        try:
            yield from list(gauges.of_database())
        except (DatabaseUnreachable, DatabaseBusy):
            yield gauges.up(0)


@blueprint.get("/metrics")
@open_to_all
def metrics() -> ResponseReturnValue:
    """The numbers as text; for everybody else there is no such page."""
    if not _may_ask():
        raise NotFound
    return Response(generate_latest(Standing()), content_type=CONTENT_TYPE_LATEST)


def _answered(counters: Counters) -> Iterator[Metric]:
    requests = CounterMetricFamily("portal_requests", "Requests answered, by status", labels=["status"])
    for status, number in counters.by_status().items():
        requests.add_metric([str(status)], number)
    yield requests
    sums = counters.up_to()
    groups = [(str(bound), float(number)) for bound, number in zip((*BOUNDS, "+Inf"), sums, strict=True)]
    told = "Seconds until the answer began"
    yield HistogramMetricFamily("portal_request_seconds", told, buckets=groups, sum_value=counters.seconds())


def _may_ask() -> bool:
    token = machine().settings.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "")
        return secrets.compare_digest(given.encode(), f"Bearer {token}".encode())
    return _is_ourselves()


def _is_ourselves() -> bool:
    """Whether the request comes from this very machine, and from no proxy on it for somebody else."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    before = request.environ.get("werkzeug.proxy_fix.orig", request.environ)
    try:
        return ip_address(before["REMOTE_ADDR"]).is_loopback
    except ValueError:
        return False
