"""A small studio for the example pictures: signed distance fields, a sphere tracer, and eight things to photograph."""
