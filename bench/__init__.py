"""Load and growth, measured on a database of their own."""
