"""Hostile input: what a stranger, a broken far side or an odd customer may send, tried by the million.

``make fuzz`` runs it all. A finding is mended, and becomes a test in ``tests/test_hostile_findings.py``.
"""
