"""From world to pixels, for a whole chunk of cars at once, on CPU and GPU from one source."""
