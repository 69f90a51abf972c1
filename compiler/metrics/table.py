"""What a model can be judged by, by name. A new metric is one function and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from compiler.metrics import classes, images, ranking, sequences, text_boxes
from compiler.metrics.boxes import average_precision
from compiler.metrics.metric import Metric


class UnknownMetric(ValueError):
    """A metric that there isn't; the message lists those there are."""


METRICS: Mapping[str, Metric] = {
    "top1": classes.TOP1,
    "top5": classes.TOP5,
    "ap50": Metric(partial(average_precision, at=0.5)),
    "ap75": Metric(partial(average_precision, at=0.75)),
    "hmean": text_boxes.HMEAN,
    "text_exact": sequences.CTC_EXACT,
    "characters": sequences.CTC_CORRECT,
    "phonemes": sequences.PHONEMES_CORRECT,
    "words": sequences.PHONEMES_EXACT,
    "spearman": ranking.SPEARMAN,
    "auc": ranking.AUC,
    "binary": ranking.BINARY,
    "psnr": images.PSNR,
    "miou": images.IOU,
}
"""The metrics by name."""


def metric_named(name: str) -> Metric:
    """The metric of that name. Raises UnknownMetric."""
    if name not in METRICS:
        raise UnknownMetric(f"no metric {name!r}; there are {', '.join(METRICS)}")
    return METRICS[name]
