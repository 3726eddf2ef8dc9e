"""The port to SpiffWorkflow: where a case stands, moved by a few verbs; only plain values cross it."""

from portal.engine.derive import derive
from portal.engine.errors import BadState, EngineFault, NotWaiting, Runaway, Stuck, TooDeep, TooMany
from portal.engine.names import reserved
from portal.engine.places import Environment, OpenMessage, OpenTask, OpenTimer, Place, Waiting
from portal.engine.position import Position, load, start
from portal.engine.reading import read
from portal.engine.shape import WHITELIST
from portal.engine.spec import Spec
from portal.engine.xml import safe_xml

__all__ = [
    "WHITELIST",
    "BadState",
    "EngineFault",
    "Environment",
    "NotWaiting",
    "OpenMessage",
    "OpenTask",
    "OpenTimer",
    "Place",
    "Position",
    "Runaway",
    "Spec",
    "Stuck",
    "TooDeep",
    "TooMany",
    "Waiting",
    "derive",
    "load",
    "read",
    "reserved",
    "safe_xml",
    "start",
]
