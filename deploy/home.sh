#!/bin/sh
# Puts the instance's settings into DAGSTER_HOME, makes its tables if this is the first process of all, then runs the rest.
set -eu
: "${TPUFLOW_DAGSTER_YAML:?the instance's settings, such as deploy/dagster.yaml}"
: "${DAGSTER_HOME:?an own folder of this machine}"
python -c 'from assets.zoo.zoo import InstalledZoo; from pipeline.instance import open_instance
open_instance(InstalledZoo()).dispose()'
exec "$@"
