#!/usr/bin/env bash
# @shopify/admin-api-client@2.0.0 (npm), the official client of the Admin API.
#
# Expected: after "429, Retry-After: 2.0" with retries switched on, the client
#   waits two seconds, since that header counts seconds.
# Seen:     it waits two thousandths of a second: the figure goes to setTimeout
#   as it is, and setTimeout counts milliseconds. All tries are spent at once,
#   each of them against a shop that has just asked to be left alone.
#   Seen: waited 4 ms after "Retry-After: 2.0"; without the header it waited 1005 ms
#
# Who meets it: whoever sets `retries` and trusts it with a busy shop. Without
#   the header the client waits a full second, so obeying is worse than silence.
# What to do: leave `retries` at 0 and wait outside the client, or hand it a
#   customFetchApi that turns the header into milliseconds.
# Source: dist/graphql-client/http-fetch.mjs of @shopify/graphql-client 2.0.0,
#   which does the sending.
#
# Another version to try may be given as the first argument.
set -euo pipefail
version=${1:-2.0.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund "@shopify/admin-api-client@$version" >&2

cat > try.mjs <<'JS'
import { createServer } from 'node:http';
import { createAdminApiClient } from '@shopify/admin-api-client';

let header, arrivals;
const server = createServer((request, response) => {
  arrivals.push(performance.now());
  if (arrivals.length === 1) {
    response.writeHead(429, header ? { 'Retry-After': header } : {}).end('{}');
  } else {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"data":{}}');
  }
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const here = `http://127.0.0.1:${server.address().port}`;
const client = createAdminApiClient({
  storeDomain: 'mihon.myshopify.com', apiVersion: '2026-10', accessToken: 'none', retries: 1,
  customFetchApi: (url, init) => fetch(here + new URL(url).pathname, init),
});
async function waited(value) {
  [header, arrivals] = [value, []];
  await client.request('{ shop { name } }');
  return Math.round(arrivals[1] - arrivals[0]);
}
await waited(undefined);                       // warms the connection up
const without = await waited(undefined);
const obeyed = await waited('2.0');
server.close();
console.log('expected: 2000 ms or more');
console.log(`seen: waited ${obeyed} ms after "Retry-After: 2.0"; without the header it waited ${without} ms`);
if (obeyed >= 1900) { console.log('CHANGED: the client now waits for seconds'); process.exitCode = 1; }
else if (obeyed > 900) { console.log('CHANGED: the client no longer reads the header as milliseconds'); process.exitCode = 1; }
JS
echo "@shopify/admin-api-client $version"
node try.mjs
