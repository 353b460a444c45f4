"""What painting an image costs compiled, against the same source in plain torch; one line of JSON.

CPU time of this process on one thread, the best of some repeats, the two measured in turns on 16 ready scenes of a
rainy evening, that is 128 images of 64 x 96 pixels; compiling is not counted:

- `us_per_image`: microseconds for one camera's picture, compiled;
- `speedup_over_plain_torch`: plain painting over compiled painting.
"""

import json

import numpy as np
import torch

from fleet.measured import Figure, told
from instruments.process import cpu_us
from scenarios.exposure import load_world
from scenarios.paint.painter import CHUNK, Painter, can_compile
from scenarios.world import DrawnWorld

EVENING = 19 * 36_000
REPEATS = 9


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    world = DrawnWorld(load_world("rainy_city"), seed=1, compiled=False)
    scene = world.scene(np.arange(CHUNK), EVENING)
    images = CHUNK * len(world.rig.cameras)

    def us_per_image(painter: Painter) -> float:
        return cpu_us(lambda: painter.paint(scene)) / images

    compiled, plain = Painter(world.rig, compiled=can_compile("cpu")), Painter(world.rig, compiled=False)
    us_per_image(compiled), us_per_image(plain)  # the first picture compiles
    fast, slow = [], []
    for _ in range(REPEATS):
        fast.append(min(us_per_image(compiled) for _ in range(3)))
        slow.append(us_per_image(plain))
    ratios = [each / own for each, own in zip(slow, fast, strict=True)]
    least, same = min(fast), "the same source, not compiled"
    figures = [
        Figure("us_per_image", least, None, "none: this machine, now", REPEATS, least, max(fast)),
        Figure("speedup_over_plain_torch", min(slow) / least, None, same, REPEATS, min(ratios), max(ratios)),
    ]
    print(json.dumps(told("paint", figures)))


if __name__ == "__main__":
    main()
