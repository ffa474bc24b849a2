"""Between us and any far side: the same trouble for all, told in the same words."""

from __future__ import annotations

from handlers.causes.cause import NOTHING, Cause, _

WIRE = {
    "unreachable": Cause(
        _("No connection"),
        _("The far side could not be reached, or the connection broke."),
        NOTHING,
        "wait",
    ),
    "timeout": Cause(
        _("No answer in time"),
        _("The far side did not answer in time. It may have carried it out all the same; that is looked up first."),
        NOTHING,
        "wait",
    ),
}

_TITLE = _("The name in the address is not known")
_WHAT = _("The host's name could not be resolved (DNS): it is misspelled in the settings, or this machine's DNS fails.")
#: By lane, since each has settings of its own.
NAME_UNRESOLVED = {
    "shopify": Cause(
        _TITLE,
        _WHAT,
        _("Check SHOPIFY_SHOP and SHOPIFY_API_URL, and this machine's DNS; it is tried again by itself."),
        "setting",
    ),
    "smaregi": Cause(
        _TITLE,
        _WHAT,
        _("Check SMAREGI_API_URL and SMAREGI_AUTH_URL, and this machine's DNS; it is tried again by itself."),
        "setting",
    ),
    "hubspot": Cause(
        _TITLE, _WHAT, _("Check HUBSPOT_API_URL, and this machine's DNS; it is tried again by itself."), "setting"
    ),
    "mail": Cause(_TITLE, _WHAT, _("Check SMTP_URL, and this machine's DNS; it is tried again by itself."), "setting"),
}

#: What something before a vendor's API refuses.
FIREWALL = {
    "blocked": Cause(
        _("A firewall refuses this customer"),
        _("Something between us and the far side, a firewall as it seems, refuses this customer's data; others go."),
        _(
            "Look in the customer's fields in Shopify for what reads like a program (<, ../, SELECT) or is very long. "
            "Or have the firewall let it through, and try again."
        ),
        "shopify",
    ),
    "all_blocked": Cause(
        _("A firewall refuses everything"),
        _("Something between us and the far side, a firewall or a proxy as it seems, refuses whatever we send."),
        _("Ask whoever runs the firewall or proxy of this service. Check the address of the API in the settings."),
        "setting",
    ),
}
SIFTING = Cause(
    _("Some rows of a batch are refused"),
    _("A batch is refused for the sake of some customers; they are told apart from the others."),
    NOTHING,
    "wait",
)
