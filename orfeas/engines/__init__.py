"""Engines that turn a cut-out picture into a 3D model."""
