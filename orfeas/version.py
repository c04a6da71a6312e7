"""The release this code belongs to; also written into every model file."""

VERSION = "0.1.0"
