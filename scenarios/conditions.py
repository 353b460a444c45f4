"""Weather and light: how likely, how strong, and what they do to pixels.

A condition is a function from a view to a view. It must do nothing at severity 0, keep colours in [0, 1], and treat
each car apart. Adding one is a line: `CONDITIONS["sandstorm"] = Condition(0.01, sandstorm)`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Pictures on their way through the weather; I images, H rows, W columns.

    red, green, blue: (I, H, W) float32 in [0, 1]
    depth: (I, H, W) m; the sky is far away
    far: (I, H, W) 0..1, depth / (depth + 60 m): one division for all that grows with distance
    light: (I, H, W) 0..1, how well lamps light this place, or how much it shines itself
    grain: (I, H, W) 0..1, fresh noise every tick
    wet: (I, H, W) 0..1, where the surface is road that can mirror
    ground: (I, H, W) 0..1, where snow can lie
    smear: (I, H, W) 0..1, where a lens that is dirty at all is dirty
    """

    red: Tensor
    green: Tensor
    blue: Tensor
    depth: Tensor
    far: Tensor
    light: Tensor
    grain: Tensor
    wet: Tensor
    ground: Tensor
    smear: Tensor

    def mix(self, colour: tuple[float, float, float], share: Tensor) -> "View":
        """The view with a colour laid over it; share broadcasts against (I, H, W)."""
        red, green, blue = (
            plane + (value - plane) * share
            for plane, value in zip((self.red, self.green, self.blue), colour, strict=True)
        )
        return replace(self, red=red, green=green, blue=blue)

    def scaled(self, factor: Tensor) -> "View":
        """The view made darker (or brighter) by a factor."""
        return replace(self, red=self.red * factor, green=self.green * factor, blue=self.blue * factor)


Effect = Callable[[View, Tensor], View]


@dataclass(frozen=True, slots=True)
class Condition:
    """A kind of weather or light.

    probability: share of car-hours that have it, where the world does not say otherwise
    effect: view and severity (I, 1, W) in [0, 1] to view
    """

    probability: float
    effect: Effect


def rain(view: View, severity: Tensor) -> View:
    """A grey sky, a dark and mirroring road, streaks in the air, and distance washed out."""
    wet = view.mix((0.50, 0.54, 0.60), 0.24 * severity * view.wet * (0.3 + view.far))
    darker = wet.scaled(1.0 - severity * (0.14 + 0.16 * view.wet))
    streak = (view.grain > 0.985).to(view.grain.dtype)
    streaked = darker.mix((0.70, 0.73, 0.78), streak * 0.45 * severity)
    return streaked.mix((0.52, 0.55, 0.58), severity * 0.9 * view.far * view.far)


def snow(view: View, severity: Tensor) -> View:
    """Snow on the ground, less on the road, flakes in the air, and distance washed out to white."""
    lying = severity * view.ground * (0.92 - 0.45 * view.wet * (1.0 - severity))
    white = view.mix((0.86, 0.88, 0.92), lying)
    flake = (view.grain > 0.955).to(view.grain.dtype)
    falling = white.mix((0.90, 0.91, 0.94), flake * 0.75 * severity)
    return falling.mix((0.72, 0.74, 0.78), severity * 0.95 * view.far)


def fog(view: View, severity: Tensor) -> View:
    """Koschmieder's law: contrast falls off exponentially with distance (visibility 900 m down to 35 m)."""
    veil = (1.0 - torch.exp(-view.depth * (0.0033 + 0.11 * severity))) * severity.clamp(max=0.02) / 0.02
    return view.mix((0.66, 0.68, 0.70), veil)


def night(view: View, severity: Tensor) -> View:
    """Only what lamps reach keeps its brightness; the rest goes dark and bluish."""
    dark = severity * (1.0 - view.light)
    dimmed = view.scaled(1.0 - 0.91 * dark)
    return replace(dimmed, red=dimmed.red * (1.0 - 0.12 * dark))


def glare(view: View, severity: Tensor) -> View:
    """A low sun: a warm veil, thickest over what is far and in the sky; the sun itself is one of the scene's lights."""
    return view.mix((1.0, 0.93, 0.78), severity * (0.12 + 0.50 * view.far))


def dirty_lens(view: View, severity: Tensor) -> View:
    """Dried dirt on the glass: brownish smears that let little through."""
    return view.mix((0.36, 0.32, 0.27), severity * (0.10 + 0.85 * view.smear))


CONDITIONS: dict[str, Condition] = {
    "rain": Condition(0.08, rain),
    "snow": Condition(0.01, snow),
    "fog": Condition(0.02, fog),
    "night": Condition(0.0, night),  # its share comes from the clock or the sun
    "glare": Condition(0.01, glare),
    "dirty_lens": Condition(0.03, dirty_lens),
}
"""Applied in this order."""
