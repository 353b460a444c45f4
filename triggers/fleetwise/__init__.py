"""Campaigns of AWS IoT FleetWise, read with its public API's rules and turned into specs of ours."""

from triggers.fleetwise.campaign import Campaign, every_field, read_campaign
from triggers.fleetwise.condition import translate
from triggers.fleetwise.migrate import Car, Fate, Migration, Note, migrate

__all__ = ["Campaign", "Car", "Fate", "Migration", "Note", "every_field", "migrate", "read_campaign", "translate"]
