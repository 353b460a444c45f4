"""Perception suites: test sets as unit tests; one slice of the world is one test, and suites only grow."""
