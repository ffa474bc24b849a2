"""What keeps a customer from becoming a member of Smaregi."""

from __future__ import annotations

from handlers.causes.cause import NOTHING, Cause, _
from handlers.causes.wire import FIREWALL

_AGAIN = _("Nothing: it is tried again within seconds.")

SMAREGI = {
    "smaregi.several_members": Cause(
        _("Several members have this e-mail"),
        _("Two or more members in Smaregi have the customer's e-mail address. Nobody may guess whose points they are."),
        _(
            "Choose the member who is this customer. Or merge the members in Smaregi, or take the address off the "
            "wrong ones, and try again."
        ),
        "choose",
    ),
    "smaregi.linked_to_other": Cause(
        _("The member belongs to another Shopify customer"),
        _("The member with this e-mail address is linked to another Shopify customer already."),
        _("Merge the two customers in Shopify, or give one of them another e-mail address. Then try again."),
        "shopify",
    ),
    "smaregi.code_taken": Cause(
        _("A withdrawn member has the member code"),
        _("A withdrawn or merged member in Smaregi still has this customer's id as its member code."),
        _("In Smaregi, put that member back to use or give it another member code. Then try again."),
        "vendor",
    ),
    "smaregi.member_merged": Cause(
        _("The member was merged into another one"),
        _("The member this customer was linked to was merged into another member in Smaregi."),
        _("Choose the member that is in use now."),
        "choose",
    ),
    "smaregi.required_missing": Cause(
        _("A required field is empty"),
        _("Smaregi requires a field for which Shopify has no value."),
        _("Fill the field in in Shopify, or make it optional in Smaregi's settings for members. Then try again."),
        "shopify",
    ),
    "smaregi.refused": Cause(
        _("Smaregi refuses a field"),
        _("Smaregi does not take one of the values. Its own words name the field."),
        _("Correct that field of the customer in Shopify; saving it there tries again by itself."),
        "shopify",
    ),
    **{f"smaregi.{what}": cause for what, cause in FIREWALL.items()},
    "smaregi.credentials": Cause(
        _("Smaregi refuses our credentials"),
        _("The client id or the client secret is not right. They differ between production and Smaregi's sandbox."),
        _("Check SMAREGI_CLIENT_ID and SMAREGI_CLIENT_SECRET. Then restart web and worker."),
        "setting",
    ),
    "smaregi.token_refused": Cause(
        _("Smaregi gives us no access token"),
        _("The contract id is not right, or the app's scopes are not switched on."),
        _("Check SMAREGI_CONTRACT_ID, and that both scopes for members are switched on for the app at Smaregi."),
        "setting",
    ),
    "smaregi.forbidden": Cause(
        _("Smaregi does not permit us to see members"),
        _("The contract's plan does not include members for apps, or the scopes were not approved."),
        _("Check the contract's plan, and that its owner approved the app's scopes."),
        "setting",
    ),
    "smaregi.address": Cause(
        _("Smaregi does not answer at this address"),
        _("Something answers, but it is not the Smaregi we know."),
        _("Check SMAREGI_API_URL, SMAREGI_AUTH_URL and SMAREGI_CONTRACT_ID. Then restart web and worker."),
        "setting",
    ),
    "smaregi.query_refused": Cause(
        _("Smaregi does not take our question"),
        _("Smaregi refused a search for members. Its own words follow."),
        _("Ask Smaregi's support, with those words."),
        "report",
    ),
    "smaregi.filter_ignored": Cause(
        _("Smaregi answers with the wrong members"),
        _("Smaregi gave members that were not asked for. Nothing is linked until that is understood."),
        _("Ask Smaregi's support, and report it."),
        "report",
    ),
    "smaregi.busy": Cause(_("Smaregi asks us to wait"), _("Smaregi's limit of calls was reached."), NOTHING, "wait"),
    "smaregi.unavailable": Cause(
        _("Smaregi has trouble"),
        _("Smaregi could not do it, or is under maintenance."),
        NOTHING,
        "wait",
    ),
    "smaregi.no_sense": Cause(
        _("Smaregi's answer cannot be read"),
        _("The answer is not what Smaregi's pages promise."),
        _("Nothing at first. If it lasts for hours, something stands between us and Smaregi: report it."),
        "wait",
    ),
    "smaregi.index_building": Cause(
        _("The members are being read for the first time"),
        _("No member is made before all members were read once, so that nobody is registered twice."),
        NOTHING,
        "wait",
    ),
    "smaregi.index_stale": Cause(
        _("Smaregi takes long to tell which members changed"),
        _(
            "Nobody is created on a word of Smaregi's that is older than a second: a member made at the till meanwhile "
            "would be doubled. None came in time."
        ),
        _AGAIN,
        "wait",
    ),
    "smaregi.mail_held": Cause(
        _("Another customer with the same e-mail is on the way"),
        _("Two customers with one e-mail address are carried one after the other."),
        _AGAIN,
        "wait",
    ),
    "smaregi.member_changing": Cause(
        _("The member is being changed in Smaregi"),
        _("The member was changed or deleted in Smaregi while we looked."),
        _AGAIN,
        "wait",
    ),
    "smaregi.flag_changing": Cause(
        _("The mail flag is being changed in Smaregi"),
        _("The member's mail flag changed in Smaregi while we looked, so nothing was written over it."),
        _AGAIN,
        "wait",
    ),
    "smaregi.flag_unsure": Cause(
        _("An earlier opt-in may still arrive in Smaregi"),
        _("The answer to an opt-in was lost. It is sent again a minute later, when it cannot arrive twice."),
        _AGAIN,
        "wait",
    ),
    "smaregi.missing": Cause(
        _("The member is gone from Smaregi"),
        _("The member was deleted in Smaregi while we looked."),
        _AGAIN,
        "wait",
    ),
}
