"""The data engine: networks and triggers that learn from what the world shows."""
