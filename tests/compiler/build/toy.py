"""A toy compiler of six stages in a package of its own, to be edited by tests; as a program it builds or plans."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from compiler.build.builder import Builder
from compiler.build.flow import Settings, Stage, Target
from compiler.build.keys import Code
from compiler.build.plan import plan
from compiler.build.store import Store

FILES = {
    "__init__.py": "",
    "ir.py": "import json\ndef dump(x): return json.dumps(x)\n",
    "passes/__init__.py": "",
    "passes/fuse.py": "def fuse(text): return text.replace('conv', 'conv_relu')\n",
    "schedule/__init__.py": "",
    "schedule/groups.py": "from toy.chips.load import lanes\ndef divide(chip): return f' groups of {lanes(chip)}'\n",
    "chips/__init__.py": "",
    "chips/presets.toml": "x64 = 64\ne8 = 8\n",
    "chips/load.py": (
        "import tomllib\nfrom pathlib import Path\n"
        "def lanes(name): return tomllib.loads((Path(__file__).parent / 'presets.toml').read_text())[name]\n"
    ),
    "stages/__init__.py": "",
    "stages/origin.py": (
        "from toy import ir\n"
        "def run(inputs, params, out, progress):\n"
        "    text = (inputs['model_file'] / 'model.txt').read_text()\n"
        "    (out / 'origin.txt').write_text(text + ir.dump('conv'))\n"
        "    return {'ops': 1}\n"
    ),
    "stages/canonical.py": (
        "from toy.passes.fuse import fuse\n"
        "def run(inputs, params, out, progress):\n"
        "    (out / 'canonical.txt').write_text(fuse((inputs['origin'] / 'origin.txt').read_text()))\n"
        "    return {'ops': 1}\n"
    ),
    "stages/cali.py": (
        "import time\n"
        "def run(inputs, params, out, progress):\n"
        "    progress(1, 2)\n"
        "    time.sleep(0.0)\n"
        "    (out / 'cali.txt').write_text(f\"thresholds {params['method']}\")\n"
        "    return {'method': params['method']}\n"
    ),
    "stages/lower.py": (
        "def run(inputs, params, out, progress):\n"
        "    table = (inputs['cali'] / 'cali.txt').read_text() if params['mode'] == 'int8' else ''\n"
        "    text = (inputs['canonical'] / 'canonical.txt').read_text()\n"
        "    (out / 'tpu.txt').write_text(text + params['mode'] + table)\n"
        "    return {}\n"
    ),
    "stages/group.py": (
        "from toy.schedule.groups import divide\n"
        "def run(inputs, params, out, progress):\n"
        "    (out / 'lg.txt').write_text((inputs['lower'] / 'tpu.txt').read_text() + divide(params['chip']))\n"
        "    return {'groups': 3}\n"
    ),
    "stages/codegen.py": (
        "def run(inputs, params, out, progress):\n"
        "    (out / 'sample.model').write_text((inputs['group'] / 'lg.txt').read_text()[::-1])\n"
        "    return {'cycles': 1234}\n"
    ),
}


def write(root: Path) -> None:
    """Write the toy's sources into `root/toy`, and the model it compiles into `root/model`."""
    for name, text in FILES.items():
        path = root / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "model").mkdir()
    (root / "model" / "model.txt").write_text("lenet")


@contextmanager
def importable(root: Path) -> Generator[None]:
    """Within, `toy` is the package in `root`, read anew."""
    sys.path.insert(0, str(root))
    _forget()
    try:
        yield
    finally:
        sys.path.remove(str(root))
        _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name == "toy" or name.startswith("toy.")]:
        del sys.modules[name]
    importlib.invalidate_caches()


IN = "toy.stages"

FLOW = (
    Stage("origin", ("model_file",), lambda settings, target: {"name": settings.name}, IN),
    Stage("canonical", ("origin",), lambda settings, target: {}, IN),
    Stage(
        "cali",
        ("canonical",),
        lambda settings, target: dict(settings.calibration) if target.mode == "int8" else None,
        IN,
    ),
    Stage("lower", ("canonical", "cali"), lambda settings, target: {"mode": target.mode}, IN),
    Stage("group", ("lower",), lambda settings, target: {"chip": target.chip}, IN),
    Stage("codegen", ("group",), lambda settings, target: {}, IN),
)


class ToyZoo:
    """One model, in `root/model`; `$CALIBRATION` names its calibration method."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> Sequence[str]:
        """The one model."""
        return ["toy"]

    def settings(self, model: str) -> Settings:
        """Its parameters."""
        return Settings(model, calibration={"method": os.environ.get("CALIBRATION", "kl")})

    def files(self, model: str) -> Mapping[str, Path]:
        """The one source."""
        return {"model_file": self.root / "model"}

    def present(self, model: str) -> bool:
        """Whether it is there."""
        return (self.root / "model").is_dir()


def main(root: Path, action: str, target_name: str) -> dict[str, object]:
    """Build or plan in this process; `root` holds sources, model and store."""
    sys.path.insert(0, str(root))
    builder = Builder(Store(root / "store"), ToyZoo(root), Code(("toy",)), FLOW)
    settings, target = builder.zoo.settings("toy"), Target.parse(target_name)
    if action == "plan":
        plan(builder, settings, target)
        start = time.perf_counter()
        steps = plan(builder, settings, target)
        elapsed = time.perf_counter() - start
        return {"steps": [[s.stage, s.action.value, s.reason] for s in steps], "seconds": elapsed}
    records = builder.build(settings, target)
    return {
        "ran": [name for name, record in records.items() if not record.hit],
        "objects": {name: record.ref.hash for name, record in records.items()},
        "metadata": {name: dict(record.metadata) for name, record in records.items()},
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
