"""What keeps a welcome mail from being sent."""

from __future__ import annotations

from handlers.causes.cause import NOTHING, Cause, _
from handlers.causes.wire import WIRE

_SMTP = _("Check SMTP_URL. Then restart web and worker.")

MAIL = {
    "mail.unreachable": WIRE["unreachable"],
    "mail.busy": Cause(
        _("The mail server asks us to wait"), _("The mail server takes no mail at this moment."), NOTHING, "wait"
    ),
    "mail.waiting": Cause(
        _("Waits until the customer is known at the till"),
        _("The welcome mail is to show the member number, so it waits for Smaregi for a while."),
        _("Nothing: it goes out as soon as the member is there, and without a number when that takes too long."),
        "wait",
    ),
    "mail.changed": Cause(
        _("The customer changed at the last moment"),
        _("Something about this mail changed while it was being sent, so it was not sent."),
        NOTHING,
        "wait",
    ),
    "mail.unknown": Cause(
        _("Nobody knows whether the mail was sent"),
        _("The mail server did not say whether it took the mail, or whoever was sending it ended at that moment."),
        _("Nothing has to be done: it is never sent a second time. The mail server's own log knows."),
        "report",
    ),
    "mail.address": Cause(
        _("The mail server does not take this address"),
        _("The customer's e-mail address is not one that mail can be sent to, or nobody has it."),
        _("Correct the e-mail address in Shopify. This mail is not sent later."),
        "shopify",
    ),
    "mail.refused": Cause(
        _("The mail server does not take this mail"),
        _("The mail server refused the mail itself. Its own words follow."),
        _("Read those words; ask whoever runs the mail server. This mail is not sent later."),
        "vendor",
    ),
    "mail.too_late": Cause(
        _("Too late for a welcome"),
        _("The mail could not be sent for so long after the registration that it would only be odd now."),
        _("Nothing: no welcome mail is sent to this customer."),
        "report",
    ),
    "mail.setting": Cause(
        _("A setting for mail is wrong"),
        _("SMTP_URL or MAIL_FROM cannot be used as it is. The message names it."),
        _("Check SMTP_URL and MAIL_FROM. Then restart web and worker."),
        "setting",
    ),
    "mail.template": Cause(
        _("A mail template is wrong"),
        _("A template in MAIL_TEMPLATES cannot be read or filled in. The message names it."),
        _("Correct that template; the lane goes on by itself within about a minute."),
        "setting",
    ),
    "mail.credential": Cause(
        _("The mail server refuses our login"),
        _("The user or the password in SMTP_URL is not right, or the server offers no login on this port."),
        _SMTP,
        "setting",
    ),
    "mail.sender": Cause(
        _("The mail server does not let us send as this sender"),
        _("The address in MAIL_FROM is not one that this login may send as."),
        _("Check MAIL_FROM, or permit the sender at the mail server. Then restart web and worker."),
        "setting",
    ),
    "mail.no_tls": Cause(
        _("The mail server offers no encryption"),
        _("The mail server does not speak TLS, and without it no login and no mail is sent."),
        _SMTP,
        "setting",
    ),
    "mail.certificate": Cause(
        _("The mail server's certificate is not trusted"),
        _("The certificate is another host's, or of an authority that this machine does not know."),
        _SMTP,
        "setting",
    ),
}
