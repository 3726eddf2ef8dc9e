"""What people have typed and not handed in: of a filing, of a task, of a message; his alone who typed it."""

from portal.cases.drafts.answers import NOTHING, Answers, ChangedElsewhere, mark, storable

__all__ = ["NOTHING", "Answers", "ChangedElsewhere", "mark", "storable"]
