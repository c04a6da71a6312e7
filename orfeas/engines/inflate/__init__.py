"""The engine without weights: a closed, textured solid from a silhouette, on any CPU."""

from orfeas.engines.inflate.engine import Inflate

__all__ = ["Inflate"]
