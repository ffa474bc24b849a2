#!/usr/bin/env bash
# jsonschema==4.26.0 (PyPI) and ajv 8.20.0 (npm): one schema, two answers.
#
# Expected: a pattern of \d for a postcode lets in 0 to 9 only, in whatever
#   language the check runs; JSON Schema says patterns are those of ECMA-262.
# Seen:     the Python library hands the pattern to Python's re, where \d is any
#   figure of any script. Full-width figures, which a Japanese keyboard makes
#   unless it is switched, pass in Python and are refused in JavaScript.
#   Seen: jsonschema, with \d and with [0-9]: True True; True False
#   Seen: ajv, with \d and with [0-9]: True False; True False
#
# Who meets it: services that share a schema: what the Python side has taken and
#   stored is refused by the JavaScript side, or by the till's API behind it.
# What to do: write [0-9] in patterns, never \d; or fold the width first.
# Source: the function pattern in jsonschema/_keywords.py (re.search); the
#   section on regular expressions in the JSON Schema core specification.
#
# Another version of jsonschema to try may be given as the first argument.
set -euo pipefail
version=${1:-4.26.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet "jsonschema==$version"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund "ajv@8.20.0" >&2

cat > try.py <<'PY'
import jsonschema
for figure in (r"\d", "[0-9]"):
    schema = {"type": "string", "pattern": f"^{figure}{{3}}-{figure}{{4}}$"}
    print(*[jsonschema.Draft202012Validator(schema).is_valid(code)
            for code in ("100-0005", "１００-０００５")])
PY
cat > try.cjs <<'JS'
const Ajv = require('ajv/dist/2020').default;
const word = (answer) => (answer ? 'True' : 'False');
for (const figure of ['\\d', '[0-9]']) {
  const check = new Ajv().compile({ type: 'string', pattern: `^${figure}{3}-${figure}{4}$` });
  console.log(['100-0005', '１００-０００５'].map((code) => word(check(code))).join(' '));
}
JS
echo "jsonschema $version, ajv 8.20.0"
echo "expected: True False in all lines (half-width, full-width)"
in_python=$(venv/bin/python try.py)
in_javascript=$(node try.cjs)
echo "seen: jsonschema, with \\d and with [0-9]: ${in_python/$'\n'/; }"
echo "seen: ajv, with \\d and with [0-9]: ${in_javascript/$'\n'/; }"
if [ "$in_python" != $'True True\nTrue False' ] || [ "$in_javascript" != $'True False\nTrue False' ]; then
  echo "CHANGED: the two no longer differ, or differ otherwise"
  exit 1
fi
