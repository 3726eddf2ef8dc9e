"""Working days: what the law and the yearly notices make of each day, and how periods are counted."""
