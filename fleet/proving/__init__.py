"""The proving ground: every rule against what must fire it and what must not, driven with the network of today."""
