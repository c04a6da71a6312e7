"""Meshes: read, measured, cleaned and written."""
