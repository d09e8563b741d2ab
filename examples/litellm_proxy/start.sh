#!/bin/sh
# Starts the proxy on port 4000 with keys for two teams; see README.md for the store and the providers' keys.
set -eu
cd "$(dirname "$0")"

: "${POPI_STORE:=sqlite:///$PWD/popi.db}" # on a server: postgresql://user:password@host/popi
: "${ALPHA_KEY:=sk-alpha-for-trying-out}"
: "${BETA_KEY:=sk-beta-for-trying-out}"
: "${LITELLM_MASTER_KEY:=sk-$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')}"
export POPI_STORE ALPHA_KEY BETA_KEY LITELLM_MASTER_KEY
export LITELLM_LOCAL_MODEL_COST_MAP=True

# Clients drop an idle connection after 5 seconds, and so would the proxy: it waits longer, or a request now and then
# goes out on a connection that is just being closed.
exec litellm --config config.yaml --host 127.0.0.1 --port "${PORT:-4000}" --telemetry False --keepalive_timeout 75
