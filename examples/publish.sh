#!/bin/sh
# Publishes one event with curl: REELHOOK_TOKEN=rhk_… sh publish.sh [type] [data]
# Each run publishes another event. To run it again safely after a broken connection, give both runs the same
# IDEMPOTENCY_KEY (yours, such as the id of the job): then the event is accepted once.
set -eu
url="${REELHOOK_URL:-http://127.0.0.1:8080}"
type="${1:-asset.published}"
sample='{"asset":{"id":"ast_1","kind":"video","title":"First light"}}'
data="${2:-$sample}"

# Headers come from stdin, so that the process list does not show the token.
curl --fail-with-body --silent --show-error -X POST "$url/v1/events" -H @- -d "{\"type\":\"$type\",\"data\":$data}" <<EOF
Authorization: Bearer $REELHOOK_TOKEN
Content-Type: application/json
Idempotency-Key: ${IDEMPOTENCY_KEY:-$(date +%s%N)-$$}
EOF
echo
