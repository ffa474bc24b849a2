"""What keeps us from reading the whole customer back from Shopify."""

from __future__ import annotations

from handlers.causes.cause import NOTHING, Cause, _
from handlers.causes.wire import FIREWALL, SIFTING

_APP = _("Mend the app in the Shopify admin; the lane goes on by itself within about a minute.")

SHOPIFY = {
    **{f"shopify.{what}": cause for what, cause in FIREWALL.items()},
    "shopify.sifting": SIFTING,
    "shopify.credential": Cause(
        _("Shopify refuses our access token"),
        _("The token or the client secret is wrong, was rotated, or the app is not installed any more."),
        _(
            "Check SHOPIFY_ACCESS_TOKEN, or SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET, and that the app is installed "
            "in this shop. Then restart web and worker."
        ),
        "setting",
    ),
    "shopify.scope_missing": Cause(
        _("The Shopify app may not read customers"),
        _("The scope read_customers is missing."),
        _("Add the scope read_customers to the app in Shopify and install the app again."),
        "setting",
    ),
    "shopify.access_denied": Cause(
        _("Shopify does not show us personal data"),
        _("The app lacks access to protected customer data (level 2), or the shop's plan does not have it."),
        _("Ask for protected customer data, level 2, for the app in Shopify, and check the shop's plan."),
        "setting",
    ),
    "shopify.withheld": Cause(
        _("Shopify withholds some fields of customers"),
        _("Shopify approves an app field by field. These fields come as null, with a refusal."),
        _("Ask for these fields in the app's protected customer data. flask doctor names the mend of each field."),
        "setting",
    ),
    "shopify.forbidden": Cause(
        _("Shopify forbids our calls"),
        _("The app's scopes or its list of allowed IP addresses keep us out."),
        _APP,
        "setting",
    ),
    "shopify.not_found": Cause(
        _("No shop answers at this address"),
        _("The shop's domain, the API version or the address in the settings is not right."),
        _("Check SHOPIFY_SHOP, SHOPIFY_API_VERSION and SHOPIFY_API_URL. Then restart web and worker."),
        "setting",
    ),
    "shopify.shop_closed": Cause(
        _("The shop is closed"),
        _("Shopify says that this shop is not active."),
        _("Look at the state of the shop in the Shopify admin."),
        "vendor",
    ),
    "shopify.shop_frozen": Cause(
        _("The shop is frozen"),
        _("Shopify has frozen the shop because a payment is due."),
        _("Pay the open invoice in the Shopify admin."),
        "vendor",
    ),
    "shopify.question_refused": Cause(
        _("Shopify does not take our question"),
        _("The API version or one of the metafields in the settings does not fit."),
        _("Check SHOPIFY_API_VERSION and SHOPIFY_METAFIELDS. Then restart web and worker."),
        "setting",
    ),
    "shopify.busy": Cause(_("Shopify asks us to wait"), _("Shopify's limit of calls was reached."), NOTHING, "wait"),
    "shopify.throttled": Cause(
        _("Shopify asks us to wait"), _("Shopify's limit of calls was reached."), NOTHING, "wait"
    ),
    "shopify.locked": Cause(
        _("Shopify has locked the shop"),
        _("Shopify has locked the shop for a while; it is tried again every ten minutes."),
        _("Nothing at first. If it lasts for hours, ask Shopify's support."),
        "wait",
    ),
    "shopify.rejected": Cause(
        _("Shopify takes our calls for an attack"),
        _("Shopify turns our calls away; it is tried again every ten minutes."),
        _("Nothing at first. If it lasts for hours, ask Shopify's support."),
        "wait",
    ),
    "shopify.down": Cause(_("Shopify has trouble"), _("Shopify answers with an error of its own."), NOTHING, "wait"),
    "shopify.error": Cause(_("Shopify has trouble"), _("Shopify answers with an error of its own."), NOTHING, "wait"),
    "shopify.stale": Cause(
        _("Shopify still shows an older state"),
        _("What was read is older than what the webhook told: Shopify's copy lags behind."),
        NOTHING,
        "wait",
    ),
    "shopify.answer_unreadable": Cause(
        _("Shopify's answer cannot be read"),
        _("The answer is not what Shopify's pages promise."),
        _("Nothing at first. If it lasts for hours, something stands between us and Shopify: report it."),
        "wait",
    ),
    "shopify.token_unreadable": Cause(
        _("Shopify's answer cannot be read"),
        _("The answer is not what Shopify's pages promise."),
        _("Nothing at first. If it lasts for hours, something stands between us and Shopify: report it."),
        "wait",
    ),
}
