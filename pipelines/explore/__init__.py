"""`aisle explore`: pages on this machine that show recommendations and their reasons."""
