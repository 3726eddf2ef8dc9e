"""Acted-out legal cases: the analysts' tests, and the gate to publishing."""
