"""The far side: stand-ins for Shopify, Smaregi and HubSpot, traps included, to try the service by hand and in tests.

They are written from the vendors' documented behaviour and share no code with the clients that talk to them, so that a
misreading on one side is not repeated on the other.
"""
