"""The engine without weights: a prompt is matched to the emoji it describes, which is drawn large."""

from orfeas.text_to_image.pictogram.engine import Pictogram

__all__ = ["Pictogram"]
