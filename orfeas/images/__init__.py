"""Pictures in: checked, cut out and framed."""
