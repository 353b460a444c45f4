"""The report's figures: each a function from a run's tables to a piece of HTML."""
