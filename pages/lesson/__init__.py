"""How it works: one clip walked through the method."""
