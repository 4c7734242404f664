"""The page "Add a model": a classifier of the user's own, looked into and kept as a bundle."""
