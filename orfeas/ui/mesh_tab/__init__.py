"""The Mesh tab: a mesh of one's own is looked at, repaired, or painted."""
