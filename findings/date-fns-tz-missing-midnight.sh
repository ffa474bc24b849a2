#!/usr/bin/env bash
# date-fns-tz==3.2.0 with date-fns 4.4.0 (npm); luxon 3.7.2 beside it.
#
# Expected: a birthday taken as midnight in Tokyo and written out in Tokyo again
#   is the same day.
# Seen:     7 May 1950 comes back as 6 May. Japan had summer time from 1948 to
#   1951, and it began at midnight: on those four days 00:00 does not exist in
#   Tokyo. luxon goes on to 01:00 of the day, as the standard's Date does;
#   date-fns-tz goes back to 23:00 of the day before when the machine runs on
#   UTC, as servers do. On a developer's machine set to Tokyo fromZonedTime is
#   right, so that no test at home shows it.
#   Seen: 1950-05-07: date-fns-tz 1950-05-06 23:00, luxon 1950-05-07 01:00
#
# Who meets it: shops with customers born on 1948-05-02, 1949-04-03, 1950-05-07
#   or 1951-05-06, who are 75 and older, where birthdays pass through a Date.
# What to do: keep birthdays as text or as a plain date; where a moment is
#   needed, take noon.
# Source: the rules named Japan in the tz database's file asia; fromZonedTime in
#   date-fns-tz.
#
# Another version of date-fns-tz to try may be given as the first argument.
set -euo pipefail
version=${1:-3.2.0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund "date-fns-tz@$version" date-fns@4.4.0 luxon@3.7.2 >&2

cat > try.mjs <<'JS'
import { formatInTimeZone, fromZonedTime } from 'date-fns-tz';
import { DateTime } from 'luxon';

const days = ['1948-05-02', '1949-04-03', '1950-05-07', '1951-05-06', '1950-05-08'];
for (const day of days) {
  const there = formatInTimeZone(fromZonedTime(day, 'Asia/Tokyo'), 'Asia/Tokyo', 'yyyy-MM-dd HH:mm');
  const luxon = DateTime.fromISO(day, { zone: 'Asia/Tokyo' }).toFormat('yyyy-MM-dd HH:mm');
  console.log(`${day}: date-fns-tz ${there}, luxon ${luxon}`);
}
JS
echo "date-fns-tz $version"
echo "expected: every line tells one day three times"
seen=$(TZ=UTC node try.mjs)
echo "seen on a UTC machine:"
echo "$seen"
echo "seen on a machine set to Tokyo:"
TZ=Asia/Tokyo node try.mjs
wanted='1948-05-02: date-fns-tz 1948-05-01 23:00, luxon 1948-05-02 01:00
1949-04-03: date-fns-tz 1949-04-02 23:00, luxon 1949-04-03 01:00
1950-05-07: date-fns-tz 1950-05-06 23:00, luxon 1950-05-07 01:00
1951-05-06: date-fns-tz 1951-05-05 23:00, luxon 1951-05-06 01:00
1950-05-08: date-fns-tz 1950-05-08 00:00, luxon 1950-05-08 00:00'
if [ "$seen" != "$wanted" ]; then
  echo "CHANGED: the four midnights that Tokyo never had are treated differently now"
  exit 1
fi
