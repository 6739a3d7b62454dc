#!/bin/sh
# Signs in with a password, then lists the notebooks.
set -eu

headers=$(
    curl --silent --show-error --fail --output /dev/null --dump-header - --json @- "$OS_AUTH_URL/auth/tokens" <<JSON
{
  "auth": {
    "identity": {
      "methods": ["password"],
      "password": {
        "user": {
          "name": "$OS_USERNAME",
          "password": "$OS_PASSWORD",
          "domain": { "name": "$OS_USER_DOMAIN_NAME" }
        }
      }
    },
    "scope": { "project": { "id": "$OS_PROJECT_ID" } }
  }
}
JSON
)
token=$(printf '%s\n' "$headers" | tr -d '\r' | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: //p')

curl --silent --show-error --fail --header "X-Auth-Token: $token" "$MODELARTS_ENDPOINT/v1/$OS_PROJECT_ID/notebooks"
