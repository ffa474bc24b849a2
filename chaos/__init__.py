"""The whole system under a seeded sequence of faults: run it, wait for rest, and count what was lost, doubled or stale.

`make chaos`. A plan (`plan.py`) is a pure function of its seed; the rest carries it out and compares.
"""
