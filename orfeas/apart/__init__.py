"""Work in processes of its own: what holds the interpreter's lock, may crash, or may never end."""

from orfeas.apart.pool import Apart

__all__ = ["Apart"]
