"""Scripts that make the assets; run from the repository's root."""
