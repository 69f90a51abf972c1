#!/bin/sh
# One worker of the cluster: executes as many runs at once as TPUFLOW_CONCURRENCY says, each in a process of its own.
set -eu
: "${TPUFLOW_BROKER:?the queue, such as redis://host:6379/0}"
: "${TPUFLOW_RESULTS:?where results go, such as redis://host:6379/1}"
: "${TPUFLOW_STORE:?where artifacts go, such as s3://bucket/prefix}"
: "${DAGSTER_HOME:?an own folder of this machine}"

# Writes dagster.yaml into DAGSTER_HOME, and makes the tables if this is the first process of all.
python -c 'from assets.zoo.zoo import InstalledZoo; from pipeline.instance import open_instance
open_instance(InstalledZoo()).dispose()'

exec python -m celery -A pipeline.workers worker \
  --concurrency "${TPUFLOW_CONCURRENCY:-1}" --hostname "${TPUFLOW_WORKER:-worker-$$}@%h" --loglevel INFO "$@"
