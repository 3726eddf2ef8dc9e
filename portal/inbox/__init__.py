"""Read models of work to be done: the tasks of one official, receipts still to be entered, cases found."""

from portal.inbox.aside import Aside, aside
from portal.inbox.copies import Body, copies
from portal.inbox.desk import decided_matters, open_matters
from portal.inbox.items import ItemCounts, ItemCursor, ItemPage, ItemRow, item_counts, items_page
from portal.inbox.queries import (
    SIZE,
    Counts,
    Did,
    Page,
    Row,
    Wanted,
    arrived_since,
    count_each,
    counts,
    done_page,
    lights,
    most_urgent,
    task_names,
    tasks_page,
    urgency,
)
from portal.inbox.receipts import open_services, served_services
from portal.inbox.rules import Bounds, Cursor, Filter, Light, Lights, Place, View, bounds, light_of
from portal.inbox.search import find_cases, is_too_short
from portal.inbox.standing import Disputed, Recorded, decided_unread, disputed

__all__ = [
    "SIZE",
    "Aside",
    "Body",
    "Bounds",
    "Counts",
    "Cursor",
    "Did",
    "Disputed",
    "Filter",
    "ItemCounts",
    "ItemCursor",
    "ItemPage",
    "ItemRow",
    "Light",
    "Lights",
    "Page",
    "Place",
    "Recorded",
    "Row",
    "View",
    "Wanted",
    "arrived_since",
    "aside",
    "bounds",
    "copies",
    "count_each",
    "counts",
    "decided_matters",
    "decided_unread",
    "disputed",
    "done_page",
    "find_cases",
    "is_too_short",
    "item_counts",
    "items_page",
    "light_of",
    "lights",
    "most_urgent",
    "open_matters",
    "open_services",
    "served_services",
    "task_names",
    "tasks_page",
    "urgency",
]
