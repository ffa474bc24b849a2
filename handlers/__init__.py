"""Who knocks on our door: Shopify (`webhook`), the clock (`worker`), a person at a terminal (`cli`).

The law here: only the webhook door and the worker see both wings, the clients and the ledger.
"""
