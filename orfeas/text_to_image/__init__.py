"""Engines that turn words into a picture."""
