"""What follows from a scenario's flow: how far single runs scatter about it, and where it stands still."""
