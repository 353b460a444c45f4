"""One car, run for a cohort at a time: perceive, shadow, trigger, record."""
