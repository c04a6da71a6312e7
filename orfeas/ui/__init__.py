"""The page: layout, handlers and wiring."""
