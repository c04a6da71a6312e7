"""The geometry of texturing: cameras, rasteriser, baking, filling, unwrapping. No learned model, plain torch."""
