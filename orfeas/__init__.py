"""ORFEAS turns a picture, or a sentence, into a 3D model."""

from orfeas.version import VERSION

__version__ = VERSION
