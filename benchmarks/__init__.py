"""Measurements anyone can repeat; every script prints a table and writes JSON."""
