"""What keeps a customer from becoming a contact of HubSpot."""

from __future__ import annotations

from handlers.causes.cause import NOTHING, Cause, _
from handlers.causes.wire import FIREWALL, SIFTING

_SETUP = _("Mend what the message names in HubSpot, then run: flask hubspot setup")
_ROW = _("The contact was locked, or HubSpot did not say how it ended. Sent again, nothing doubles.")
_ODD = _("Nothing at first. If it lasts for hours, something stands between us and HubSpot: report it.")

HUBSPOT = {
    "hubspot.linked_to_other": Cause(
        _("The contact belongs to another Shopify customer"),
        _("The contact with this e-mail address carries another Shopify customer's id."),
        _("Merge the two customers in Shopify, or clear shopify_customer_id on the contact. Then try again."),
        "shopify",
    ),
    "hubspot.email_taken": Cause(
        _("Another contact has the e-mail"),
        _("The customer's contact is known, and another contact in HubSpot has the e-mail address."),
        _("Merge the two contacts in HubSpot, or change one address. Then try again."),
        "vendor",
    ),
    "hubspot.email_twice": Cause(
        _("Two customers have the same e-mail"),
        _("Two Shopify customers have the same e-mail address; in HubSpot it can stand at one contact only."),
        _("Change one of them in Shopify, or merge them. Then try again."),
        "shopify",
    ),
    "hubspot.conflict": Cause(
        _("A contact that is not shown is in the way"),
        _("HubSpot says that the contact exists but does not show it; perhaps it is in the recycling bin."),
        _("Restore the contact in HubSpot, or delete it for good. Then try again."),
        "vendor",
    ),
    "hubspot.nothing_to_create_with": Cause(
        _("Neither an e-mail nor a name"),
        _("HubSpot makes no contact without a name or an e-mail address that it takes."),
        _("Add a name to the customer in Shopify; saving it there tries again by itself."),
        "shopify",
    ),
    "hubspot.email_blocklisted": Cause(
        _("The address was erased in HubSpot for good"),
        _("This e-mail address was erased in HubSpot on request (GDPR) and stays refused."),
        _("Nothing can be done with this address. A new one in Shopify goes."),
        "shopify",
    ),
    "hubspot.required": Cause(
        _("HubSpot requires a property we have no value for"),
        _("A rule of this HubSpot account asks for a property that this service does not fill."),
        _("Change that rule in HubSpot. Then try again."),
        "vendor",
    ),
    "hubspot.refused": Cause(
        _("HubSpot refuses a field"),
        _("HubSpot does not take the contact. Its codes and the property follow."),
        _("Correct that field of the customer in Shopify; saving it there tries again by itself."),
        "shopify",
    ),
    **{f"hubspot.{what}": cause for what, cause in FIREWALL.items()},
    "hubspot.sifting": SIFTING,
    "hubspot.token": Cause(
        _("HubSpot refuses our key"),
        _("The key was rotated, or not copied whole."),
        _("Check HUBSPOT_ACCESS_TOKEN. Then restart web and worker."),
        "setting",
    ),
    "hubspot.scopes": Cause(
        _("Our HubSpot key lacks scopes"),
        _("The key may not do all that is needed. The message names what is missing."),
        _("Add the scopes in HubSpot under Development > Keys > Service keys."),
        "setting",
    ),
    "hubspot.address": Cause(
        _("HubSpot does not answer at this address"),
        _("Something answers, but it is not the HubSpot we know."),
        _("Check HUBSPOT_API_URL. Then restart web and worker."),
        "setting",
    ),
    "hubspot.setup_wrong": Cause(
        _("A property in HubSpot is of another kind"),
        _("A property of ours is there with another type, or is not unique. The message names it."),
        _SETUP,
        "vendor",
    ),
    "hubspot.setup_refused": Cause(
        _("HubSpot makes no more properties"),
        _("The account's limit of custom or of unique properties is reached."),
        _SETUP,
        "vendor",
    ),
    "hubspot.no_property": Cause(
        _("A property is missing in HubSpot"),
        _("A property of ours went missing and could not be made."),
        _("Run: flask hubspot setup"),
        "vendor",
    ),
    "hubspot.setup_unseen": Cause(
        _("A new property is not shown yet"),
        _("HubSpot has made a property but does not show it yet."),
        NOTHING,
        "wait",
    ),
    "hubspot.rate_limit": Cause(
        _("HubSpot asks us to wait"), _("HubSpot's limit of calls was reached."), NOTHING, "wait"
    ),
    "hubspot.daily_limit": Cause(
        _("HubSpot's calls for today are used up"),
        _("All apps of this HubSpot account together have used up the day's calls."),
        _(
            "Nothing: it goes on at midnight in the account's time zone. "
            "If it happens daily, raise the limit in HubSpot."
        ),
        "wait",
    ),
    "hubspot.moving": Cause(
        _("The HubSpot account is moving"),
        _("HubSpot is moving the account to another data centre; that takes up to 24 hours."),
        NOTHING,
        "wait",
    ),
    "hubspot.unavailable": Cause(
        _("HubSpot has trouble"), _("HubSpot answers with an error of its own."), NOTHING, "wait"
    ),
    "hubspot.locked": Cause(_("The contact was locked"), _ROW, NOTHING, "wait"),
    "hubspot.row_failed": Cause(_("HubSpot did not take this contact"), _ROW, NOTHING, "wait"),
    "hubspot.unexpected": Cause(_("HubSpot gave an answer nobody expects"), _ROW, NOTHING, "wait"),
    "hubspot.unsettled": Cause(_("HubSpot does not say how it ended"), _ROW, NOTHING, "wait"),
    "hubspot.unreadable": Cause(
        _("HubSpot's answer cannot be read"), _("The answer is not what HubSpot's pages promise."), _ODD, "wait"
    ),
}
