"""What passes between stages: one frozen class an artifact, and the only place that knows its files and keys."""
