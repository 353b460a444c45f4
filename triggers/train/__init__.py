"""Fit a probe to labelled embeddings: offline, deterministic, and with a threshold that keeps a promise."""

from triggers.train.examples import Examples
from triggers.train.fit import fit_probe
from triggers.train.threshold import threshold_for

__all__ = ["Examples", "fit_probe", "threshold_for"]
