#!/usr/bin/env bash
# @shopify/shopify-api@13.1.0 (npm), the base of Shopify's app templates.
#
# Expected: utils.sanitizeShop gives one spelling for one shop, or null.
# Seen:     it only checks. Capitals and a slash at the end are handed back as
#   they came, so that one shop has several "sanitized" names, and the id of its
#   session, made of the name, differs each time: what is stored under one is not
#   found under another. Only admin.shopify.com/store/NAME is rewritten, and that
#   is null as soon as https:// stands before it, as in a copy from the browser.
#   Seen: Mihon.myshopify.com -> Mihon.myshopify.com (offline_Mihon.myshopify.com)
#   Seen: mihon.myshopify.com/ -> mihon.myshopify.com/ (offline_mihon.myshopify.com/)
#
# Who meets it: apps that take the shop from a form or a link; a name typed on a
#   telephone begins with a capital.
# What to do: cut https:// and the slashes at the end, make it small, then call it.
# Source: dist/esm/lib/utils/shop-validator.mjs of the package.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-13.1.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund "@shopify/shopify-api@$version" >&2

cat > try.mjs <<'JS'
import '@shopify/shopify-api/adapters/node';
import { shopifyApi } from '@shopify/shopify-api';

const shopify = shopifyApi({
  apiKey: 'none', apiSecretKey: 'none', hostName: 'app.example', apiVersion: '2026-10',
  isEmbeddedApp: true, logger: { level: 0 },
});
for (const typed of ['mihon.myshopify.com', 'Mihon.myshopify.com', 'mihon.myshopify.com/',
  'admin.shopify.com/store/mihon', 'https://admin.shopify.com/store/mihon']) {
  const shop = shopify.utils.sanitizeShop(typed);
  console.log(`${typed} -> ${shop}` + (shop ? ` (${shopify.session.getOfflineId(shop)})` : ''));
}
JS
echo "@shopify/shopify-api $version"
echo "expected: mihon.myshopify.com (offline_mihon.myshopify.com) five times"
seen=$(node try.mjs 2>&1 | grep -e '->')
echo "seen:"
echo "$seen"
wanted='mihon.myshopify.com -> mihon.myshopify.com (offline_mihon.myshopify.com)
Mihon.myshopify.com -> Mihon.myshopify.com (offline_Mihon.myshopify.com)
mihon.myshopify.com/ -> mihon.myshopify.com/ (offline_mihon.myshopify.com/)
admin.shopify.com/store/mihon -> mihon.myshopify.com (offline_mihon.myshopify.com)
https://admin.shopify.com/store/mihon -> null'
if [ "$seen" != "$wanted" ]; then
  echo "CHANGED: sanitizeShop treats a spelling differently now"
  exit 1
fi
