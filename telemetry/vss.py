"""Names, units and limits of the signals in telemetry, after the COVESA Vehicle Signal Specification, release 6.0."""

from dataclasses import dataclass

RELEASE = "6.0"

# Delta has no unsigned numbers, so each of those takes the next larger signed one.
_COLUMN_TYPES = {
    "boolean": "bool",
    "float": "float",
    "double": "double",
    "uint8": "int16",
    "int16": "int16",
    "uint32": "int64",
    "string": "string",
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One leaf of the specification.

    path: such as Vehicle.Speed
    datatype: VSS's own name: boolean, float, double, uint8, int16, uint32, string
    unit: VSS's own name, "" where there is none
    low, high: limits VSS gives, both included; None where it gives none
    says: what a value means
    """

    path: str
    datatype: str
    unit: str
    says: str
    low: float | None = None
    high: float | None = None

    @property
    def column_type(self) -> str:
        """The name of the pyarrow type of its column."""
        return _COLUMN_TYPES[self.datatype]


_ALL = (
    Signal("Vehicle.Speed", "float", "km/h", "Speed."),
    Signal("Vehicle.IsMoving", "boolean", "", "Whether the car moves."),
    Signal("Vehicle.Acceleration.Longitudinal", "float", "m/s^2", "Acceleration forwards."),
    Signal("Vehicle.Acceleration.Lateral", "float", "m/s^2", "Acceleration to the left."),
    Signal("Vehicle.AngularVelocity.Yaw", "float", "degrees/s", "Turning rate about the vertical."),
    Signal("Vehicle.CurrentLocation.Latitude", "double", "degrees", "WGS 84 latitude.", -90, 90),
    Signal("Vehicle.CurrentLocation.Longitude", "double", "degrees", "WGS 84 longitude.", -180, 180),
    Signal("Vehicle.CurrentLocation.Heading", "double", "degrees", "Heading; 0 is north, 90 is east.", 0, 360),
    Signal("Vehicle.TraveledDistance", "uint32", "m", "Odometer."),
    Signal("Vehicle.Body.Raindetection.Intensity", "uint8", "percent", "Rain; 0 is dry.", None, 100),
    Signal("Vehicle.Exterior.LightIntensity", "float", "percent", "Light outside; 0 is dark.", 0, 100),
    Signal("Vehicle.ADAS.ActiveAutonomyLevel", "string", "", "Who drives, SAE J3016: SAE_0 the driver, SAE_2 the car."),
    Signal(
        "Vehicle.ADAS.ObstacleDetection.Front.Center.IsWarning",
        "boolean",
        "",
        "Whether the car warns of somebody in its way, self-driving or not.",
    ),
    Signal(
        "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance",
        "float",
        "m",
        "What the radar hears ahead; null: nothing.",
        0,
    ),
    Signal("Vehicle.Chassis.Brake.PedalPosition", "uint8", "percent", "How far the driver presses it.", 0, 100),
    Signal("Vehicle.Chassis.Accelerator.PedalPosition", "uint8", "percent", "How far the driver presses it.", 0, 100),
    Signal("Vehicle.Chassis.SteeringWheel.Angle", "int16", "degrees", "As the driver holds it; positive is left."),
    Signal("Vehicle.Acceleration.Vertical", "float", "m/s^2", "Acceleration upwards, less gravity."),
    Signal("Vehicle.AngularVelocity.Pitch", "float", "degrees/s", "How fast the nose rises."),
)

SIGNALS: dict[str, Signal] = {signal.path: signal for signal in _ALL}
