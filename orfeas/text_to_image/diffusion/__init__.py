"""Pictures of anything that words describe, by any text-to-image pipeline of diffusers."""

from orfeas.text_to_image.diffusion.engine import Diffusion

__all__ = ["Diffusion"]
