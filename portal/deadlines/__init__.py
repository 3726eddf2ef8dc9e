"""The deadlines of a case: when they start, when they are met, when they are over, and why on that day."""
