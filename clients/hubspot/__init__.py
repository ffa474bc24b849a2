"""HubSpot: each customer is a contact.

What it says is read here and nowhere else (`complaints.py`, `sorting.py`, `settling.py`); what it wants to hear is
said here and nowhere else (`mapping.py`, `properties.py`). No SDK: both of HubSpot's own retry conflicts or give up on
locks, and call older versions of the API.
"""
