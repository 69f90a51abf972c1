#!/bin/sh
# One worker of the cluster: executes as many runs at once as TPUFLOW_CONCURRENCY says, each in a process of its own.
set -eu
: "${TPUFLOW_BROKER:?the queue, such as redis://host:6379/0}"
: "${TPUFLOW_RESULTS:?where results go, such as redis://host:6379/1}"
: "${TPUFLOW_STORE:?where artifacts go, such as s3://bucket/prefix}"
exec "$(dirname "$0")/home.sh" python -m celery -A pipeline.workers worker \
  --concurrency "${TPUFLOW_CONCURRENCY:-1}" --hostname "${TPUFLOW_WORKER:-worker-$$}@%h" --loglevel INFO "$@"
