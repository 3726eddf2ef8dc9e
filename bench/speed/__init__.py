"""How fast the portal is, measured as it is operated: its real processes, asked by HTTP from another process."""
