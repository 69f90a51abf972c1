"""
PyTorch: `torch.export` archives (.pt2), TorchScript (.pt), and modules that a Python file's callable makes.

An archive's weights and samples are pickles, which torch reads with `weights_only`, tensors and plain containers,
because the process is started with TORCH_FORCE_WEIGHTS_ONLY_LOAD; torch alone would unpickle whatever lies there.
TorchScript is read by torch's own C++ reader, which knows tensors, containers and its own classes and calls nothing
of Python; its code is TorchScript, run by torch's interpreter only. A whole module saved by `torch.save` is a pickle
that runs what it likes, and so does a Python file: both only with `trust`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import onnx

from compiler.frontends.foreign import OPSET, Converted, Feeds, Foreign, NotConverted, NotTrusted, holds_pickle, package
from compiler.frontends.python_file import check, named, stated_inputs


def convert(source: Foreign) -> Converted:
    """The model by `torch.onnx.export`. Raises MissingPackages, NotTrusted, NotConverted."""
    file, pickled = source.file, source.file.suffix in (".pt", ".pth") and holds_pickle(source.file)
    if pickled and not source.trust:
        raise NotTrusted(
            f"{file.name} is a pickle, which can run any code as it is read: save the model by torch.export.save (.pt2)"
            " or torch.jit.save, or say --trust if you know where it is from"
        )
    if file.suffix == ".py":
        check(source)
    torch: Any = package("torch", "pytorch")
    package("onnxscript", "pytorch")
    if file.suffix == ".pt2":
        return _exported(torch, torch.export.load(file), None, None)
    if file.suffix == ".py":
        return _module(torch, named(source)(), source)
    if pickled:
        return _module(torch, torch.load(file, map_location="cpu", weights_only=False), source)
    return _script(torch, torch.jit.load(file, map_location="cpu").eval(), source)


def _module(torch: Any, module: Any, source: Foreign) -> Converted:
    """An `nn.Module` by way of `torch.export`; its parameters become constants."""
    if not isinstance(module, torch.nn.Module):
        raise NotConverted(
            f"{source.file.name} gives a {type(module).__name__}, not a torch.nn.Module; weights alone are no model: "
            "write a Python file with a callable that makes the module and loads them, and name it with --entry"
        )
    module.eval()
    sample = _sample(torch, source)
    return _exported(torch, torch.export.export(module, sample), sample, [*source.inputs])


def _exported(torch: Any, program: Any, sample: Any, names: list[str] | None) -> Converted:
    made = torch.onnx.export(program, sample, dynamo=True, opset_version=OPSET, input_names=names, verbose=False)
    proto: onnx.ModelProto = made.model_proto
    fed = names or [value.name for value in proto.graph.input]
    module = program.module()
    return Converted(proto, lambda feeds: _run(torch, module, fed, feeds))


def _script(torch: Any, script: Any, source: Foreign) -> Converted:
    """TorchScript, which only torch's older exporter takes."""
    out, names = io.BytesIO(), [*source.inputs]
    torch.onnx.export(
        script,
        _sample(torch, source),
        out,
        dynamo=False,
        opset_version=min(OPSET, 17),
        input_names=names,
    )
    proto = onnx.load_model_from_string(out.getvalue())
    return Converted(proto, lambda feeds: _run(torch, script, names, feeds))


def _sample(torch: Any, source: Foreign) -> tuple[Any, ...]:
    return tuple(torch.zeros(*extents) for extents in stated_inputs(source).values())


def _run(torch: Any, module: Any, names: Sequence[str], feeds: Feeds) -> list[Any]:
    with torch.no_grad():
        made = module(*(torch.from_numpy(feeds[name]) for name in names))
    leaves, _ = torch.utils._pytree.tree_flatten(made)
    return [leaf.numpy() for leaf in leaves if isinstance(leaf, torch.Tensor)]
