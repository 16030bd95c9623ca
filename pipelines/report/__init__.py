"""The page a run leaves behind: one HTML file that needs no network and no script."""
