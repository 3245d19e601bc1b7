#!/bin/sh
# Sends events with curl, makes an audience, and saves its members as a CSV file.
#
#   COLLECTOR=http://127.0.0.1:3000 WRITE_KEY=pk_… SECRET_KEY=sk_… sh send.sh [file]
set -eu
: "${COLLECTOR:?Set COLLECTOR, e.g. http://127.0.0.1:3000}" "${WRITE_KEY:?Set WRITE_KEY}" "${SECRET_KEY:?Set SECRET_KEY}"
file=${1:-}

# --retry tries again after 429 and 503, as long as Retry-After says; with the same messageId it counts once.
request() {
  curl --silent --show-error --fail-with-body --retry 5 --retry-connrefused "$@"
}
json='content-type: application/json'
secret="authorization: Bearer $SECRET_KEY"

sent=$(date +%s)-$$
request -u "$WRITE_KEY:" -H "$json" "$COLLECTOR/v1/identify" -d '{
  "messageId": "sign-in-'"$sent"'", "anonymousId": "visitor-2", "userId": "alan", "traits": {"plan": "pro"}}'
echo
request -u "$WRITE_KEY:" -H "$json" "$COLLECTOR/v1/track" -d '{
  "messageId": "report-'"$sent"'", "userId": "alan", "event": "Report Exported", "properties": {"format": "pdf"}}'
echo

# An earlier run may have made it.
if curl --silent --fail --output /dev/null -H "$secret" "$COLLECTOR/v1/audiences/pro-users"; then
  request -H "$secret" -X POST "$COLLECTOR/v1/audiences/pro-users/rebuild"
else
  request -H "$secret" -H "$json" "$COLLECTOR/v1/audiences" -d '{
    "name": "Pro users", "key": "pro-users", "rule": {"trait": "plan", "eq": "pro"}}'
fi
echo

request -H "$secret" "$COLLECTOR/v1/audiences/pro-users/export?format=csv" ${file:+--output "$file"}
