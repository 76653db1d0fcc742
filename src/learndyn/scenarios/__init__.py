"""What learns what: one folder a scenario."""
