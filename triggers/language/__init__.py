"""The language of conditions: its grammar, units, operators, and what it remembers of a car's past."""
