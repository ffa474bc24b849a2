"""What we were told, and what is left to do: *state to converge*, not a list of jobs.

The law here: the ledger knows the words (`customer.py`) and its database, never a vendor and never HTTP, so that no
call to anyone can ever stand inside a transaction.
"""
