"""TFDV: statistics and distances that validation and the monitor share; needs the validate environment."""
