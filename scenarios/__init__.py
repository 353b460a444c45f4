"""The world: roads, traffic, weather and eight cameras, as pure functions of (cars, tick)."""
