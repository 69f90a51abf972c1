"""The code location over the offline zoo, which `$OFFLINE_ZOO` names, for a server in another process."""

import os
from pathlib import Path

from assets.workshop import Workshop
from pipeline.definitions import over
from tests.offline_zoo import OfflineZoo

defs = over(Workshop(zoo=OfflineZoo(Path(os.environ["OFFLINE_ZOO"]))))
