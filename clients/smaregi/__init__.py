"""Smaregi (スマレジ), the POS: a Shopify customer is one member there, found before it is made, and never two.

At home here: what Smaregi says and wants to hear, the upkeep of our copy of its members, and the lane. The pages of
the vendor stand at the lines that obey them.
"""
