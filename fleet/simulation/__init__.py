"""The clock and what happens on it: cars that drive, look, fire and upload, in shards that meet at barriers."""
