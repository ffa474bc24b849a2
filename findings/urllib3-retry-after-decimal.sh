#!/usr/bin/env bash
# urllib3==2.8.0 under requests 2.34.2 (PyPI), the usual way to retry in Python.
#
# Expected: with Retry(status_forcelist=[429]) a "429, Retry-After: 1.0" is
#   waited out and the call is sent again.
# Seen:     the call ends at once with InvalidHeader. Only whole digits or a
#   date are understood; one decimal point and all the tries that were left are
#   given up, and nobody sees a 429 any more: the error has no response.
#   Seen: "1" -> 200 after 2 calls; "1.0" -> InvalidHeader after 1 call, with a response: False
#
# Who meets it: callers of services that write the header with a decimal point;
#   Shopify's Admin API is one of them ("2.0").
# What to do: subclass Retry and override parse_retry_after (float, rounded up),
#   or set respect_retry_after_header=False and wait by backoff_factor.
# Source: Retry.parse_retry_after in urllib3/util/retry.py. RFC 9110 allows
#   digits only, so the service is at fault, yet the caller has to live with it.
#
# Another version of urllib3 to try may be given as the first argument.
set -euo pipefail
version=${1:-2.8.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "urllib3==$version" 'requests==2.34.2'

"$work/venv/bin/python" - <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests
import urllib3
from requests.adapters import HTTPAdapter

calls = []
class Busy(BaseHTTPRequestHandler):
    def do_GET(self):
        calls.append(self.path)
        self.send_response(429 if len(calls) == 1 else 200)
        self.send_header("Retry-After", self.path[1:])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass

server = HTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
session = requests.Session()
session.trust_env = False  # no proxy
session.mount("http://", HTTPAdapter(max_retries=urllib3.Retry(3, status_forcelist=[429])))

def call(header):
    calls.clear()
    try:
        return session.get(f"http://127.0.0.1:{server.server_port}/{header}").status_code
    except Exception as error:
        return error

whole, whole_calls = call("1"), len(calls)
decimal, decimal_calls = call("1.0"), len(calls)
print("urllib3", urllib3.__version__)
print('expected: 200 after 2 calls for "1" and for "1.0"')
answered = getattr(decimal, "response", None) is not None
print(f'seen: "1" -> {whole} after {whole_calls} calls; "1.0" -> {type(decimal).__name__} '
      f"after {decimal_calls} call, with a response: {answered}")
if not (whole == 200 and isinstance(decimal, requests.exceptions.InvalidHeader) and not answered):
    sys.exit("CHANGED: a decimal Retry-After no longer ends the call with InvalidHeader")
PY
