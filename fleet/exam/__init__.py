"""The exam: what a trigger will do in a fleet, before it is there."""
