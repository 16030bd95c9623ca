"""Validation: canonical tables -> TFDV statistics, anomalies, a verdict and an offline data report."""
