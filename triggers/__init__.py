"""What to keep: rules over a table of signals, and the reason for every yes and no."""
