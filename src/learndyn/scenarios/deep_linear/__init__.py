"""Linear networks of any depth as matrices, from any start."""
