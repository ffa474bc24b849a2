"""The welcome mail: once to each who registers on the site, when they are known at the till.

At home here: the letter and its templates, the member's barcode, and the mail server as RFC 5321 describes it. What
must be remembered so that nobody is sent it twice is handed in.
"""
