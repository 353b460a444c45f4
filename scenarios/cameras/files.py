"""A rig as a YAML file: read, checked, and written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from scenarios.cameras.camera import Camera, fov_deg
from scenarios.cameras.rig import Rig
from scenarios.errors import BadWorld, UnknownRig, nearest
from scenarios.fields import YAML, line_of, read_fields

RIGS = Path(__file__).parents[1] / "rigs"
_LENS = {"fov_deg", "horizon"}
_PIXELS = {"fx_px", "fy_px", "cx_px", "cy_px"}
_MOST_CAMERAS = 32
_MOST_PX = 4096

Pixels = Annotated[int, Field(ge=8, le=_MOST_PX)]
Metres = Annotated[float, Field(ge=-20, le=20)]
Degrees = Annotated[float, Field(ge=-360, le=360)]
Term = Annotated[float, Field(ge=-10, le=10)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CameraSpec(_Checked):
    """A camera as a rig's file says it; what it does not say, the file says for all, or is as written here.

    Its lens is said by an angle (`fov_deg`, `horizon`) or, as calibrations have it, in pixels.
    """

    x_m: Metres = Field(description="forward of the car's reference point")
    y_m: Metres = Field(description="left of it")
    z_m: float = Field(gt=0, le=10, description="above the road")
    yaw_deg: Degrees = Field(description="direction of view, counter-clockwise from straight ahead")
    pitch_deg: float = Field(0.0, ge=-90, le=90, description="how far it looks up")
    roll_deg: Degrees = Field(0.0, description="how far it leans to the right, as seen from behind it")
    height: Pixels | None = None
    width: Pixels | None = None
    fov_deg: float | None = Field(None, gt=1, lt=170, description="that the width spans, distortion apart")
    horizon: float | None = Field(None, ge=-1, le=2, description="row of the principal point, as a share of the height")
    fx_px: float | None = Field(None, gt=1, description="focal length along rows")
    fy_px: float | None = Field(None, gt=1, description="focal length along columns")
    cx_px: float | None = Field(None, description="column of the principal point; the first pixel is from 0 to 1")
    cy_px: float | None = Field(None, description="row of the principal point; the first pixel is from 0 to 1")
    distortion: tuple[Term, Term, Term] = Field((0.0, 0.0, 0.0), description="k1, k2, k3 of the lens")

    @model_validator(mode="after")
    def _says_its_lens_in_one_way(self) -> Self:
        said = {name for name in _LENS | _PIXELS if getattr(self, name) is not None}
        if said & _PIXELS and (said & _LENS or said != _PIXELS):
            raise PydanticCustomError("lens", "say fx_px, fy_px, cx_px and cy_px, all four, or fov_deg and horizon")
        if not said & _PIXELS and self.fov_deg is None:
            raise PydanticCustomError("lens", "say fov_deg, or fx_px, fy_px, cx_px and cy_px")
        return self


class RigSpec(_Checked):
    """The cameras of a car, in the order of every array that has a camera axis."""

    says: str = Field("", description="one sentence for people")
    height: Pixels = Field(64, description="rows of every image that says nothing else")
    width: Pixels = Field(96, description="columns of every image that says nothing else")
    horizon: float = Field(0.45, ge=-1, le=2, description="of every camera that says nothing else")
    things: int = Field(16, ge=1, le=64, description="the nearest ones that a camera shows, at most")
    layers: int = Field(2, ge=2, le=8, description="the nearest ones that an image column shows, at most")
    cameras: dict[Annotated[str, Field(pattern=r"^[a-zA-Z]\w*$")], CameraSpec] = Field(
        min_length=1, max_length=_MOST_CAMERAS
    )

    def rig(self) -> Rig:
        """The rig it describes."""
        cameras = tuple(self._camera(name, said) for name, said in self.cameras.items())
        return Rig(cameras, self.things, self.layers)

    def _camera(self, name: str, said: CameraSpec) -> Camera:
        height, width = said.height or self.height, said.width or self.width
        mount = {"name": name, **said.model_dump(include={"x_m", "y_m", "z_m", "yaw_deg", "pitch_deg", "roll_deg"})}
        lens: dict[str, Any] = {
            "fov_deg": said.fov_deg,
            "horizon": self.horizon if said.horizon is None else said.horizon,
        }
        if said.fx_px and said.fy_px and said.cx_px is not None and said.cy_px is not None:
            lens = {
                "fov_deg": fov_deg(said.fx_px, width),
                "horizon": said.cy_px / height,
                "middle": said.cx_px / width,
                "stretch": said.fx_px / said.fy_px,
            }
        return Camera(**mount, **lens, height=height, width=width, distortion=said.distortion)


_FIELDS = tuple(sorted({*RigSpec.model_fields, *CameraSpec.model_fields}))


def rig_names() -> list[str]:
    """The rigs that ship, sorted."""
    return sorted(path.stem for path in RIGS.glob("*.yaml"))


def read_rig(name: str | Path) -> RigSpec:
    """What a shipped rig's file says, by name, or a YAML file. Raises UnknownRig, BadWorld."""
    path = Path(name) if str(name).endswith(YAML) else RIGS / f"{name}.yaml"
    if not path.is_file():
        raise UnknownRig(str(name), rig_names())
    said, lines = read_fields(path)
    try:
        return RigSpec.model_validate(said)
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] == "missing")  # a misspelt field is missing, too
        place = tuple(str(part) for part in first["loc"] if part != "[key]")
        raise BadWorld(path, line_of(lines, place), ".".join(place), _problem(first, place)) from None


def load_rig(name: str | Path) -> Rig:
    """A shipped rig by name, or one from a YAML file. Raises UnknownRig, BadWorld."""
    return read_rig(name).rig()


def rig_yaml(rig: Rig, says: str) -> str:
    """A rig as a file that `load_rig` reads back, to the last bit but for rounding within an angle."""
    cameras = {camera.name: _said(camera) for camera in rig.cameras}
    whole = {"says": says, "things": rig.things, "layers": rig.layers, "cameras": cameras}
    return yaml.safe_dump(whole, sort_keys=False, width=120, default_flow_style=None)


def _said(camera: Camera) -> Mapping[str, Any]:
    return {
        "x_m": camera.x_m, "y_m": camera.y_m, "z_m": camera.z_m,
        "yaw_deg": camera.yaw_deg, "pitch_deg": camera.pitch_deg, "roll_deg": camera.roll_deg,
        "height": camera.height, "width": camera.width,
        "fx_px": camera.fx, "fy_px": camera.fy, "cx_px": camera.cx, "cy_px": camera.cy,
        "distortion": list(camera.distortion),
    }  # fmt: skip


def _problem(error: ErrorDetails, place: tuple[str, ...]) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown field; {nearest(place[-1], _FIELDS)}"
    return error["msg"]


EIGHT_CAMERAS = load_rig("eight_cameras")
"""The rig of every car that is not said to have another."""
