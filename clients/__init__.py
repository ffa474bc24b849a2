"""Whose door we knock on: one folder or file a far side, and what is the same for all beside them.

The law here: a client knows the words (`customer.py`) and its vendor, never the ledger. What it must remember between
processes (tokens, pace, the member index) is handed in as an object with the few verbs it needs.
"""
