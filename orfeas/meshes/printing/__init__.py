"""A model made ready for a printer, and what a printer would make of it."""
