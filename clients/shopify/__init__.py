"""Shopify, in its own dialect: what its webhooks say (`signature`, `payload`), the whole customer read back (`lane`).

`signature` and `payload` are pure and light: the receiving side imports them and nothing else of this folder.
"""
