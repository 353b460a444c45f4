"""Run networks over a cohort's frames, in chunks of one fixed size; each distinct backbone once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios import CameraFrames
from vehicle.networks import Network
from vehicle.top_down import Viewer

CHUNK = 8  # cars: they fit the cache; part of what a run means, for another size may give other last bits


@dataclass(frozen=True, slots=True, eq=False)
class Percepts:
    """What one network makes of n cars' frames.

    network: whose they are
    embedding: (n, d) float32
    outputs: task to (n, outputs) float32, as the head gives them; `Task.read` says what they mean
    looks: viewer to (n, *shape), what a viewer on this backbone makes of the moment by itself
    """

    network: Network
    embedding: NDArray[np.float32]
    outputs: dict[str, NDArray[np.float32]]
    looks: dict[str, NDArray[Any]] = field(default_factory=dict)


def perceive(networks: Sequence[Network], frames: CameraFrames, viewers: Sequence[Viewer] = ()) -> list[Percepts]:
    """What each network makes of the frames, in their order; a car comes out the same in any company.

    viewers: what looks through the eyes of the first network; each must have its backbone
    """
    pixels = frames.pixels.numpy()
    percepts = [_blank(network, len(pixels)) for network in networks]
    for viewer in viewers:
        percepts[0].looks[viewer.name] = np.empty((len(pixels), *viewer.shape), viewer.dtype)
    for start in range(0, len(pixels), CHUNK):
        chunk = pixels[start : start + CHUNK]
        here, cars = slice(start, start + len(chunk)), len(chunk)
        seen: dict[str, NDArray[np.float32]] = {}
        for percept in percepts:
            network = percept.network
            if network.backbone not in seen and percept.looks:
                seen[network.backbone], features = network.see(_padded(chunk))
                for viewer in viewers:
                    percept.looks[viewer.name][here] = viewer.look(features)[:cars]
            elif network.backbone not in seen:
                seen[network.backbone] = network.embed(_padded(chunk))
            percept.embedding[here] = seen[network.backbone][:cars]
            for task, outputs in network.answer(seen[network.backbone]).items():
                percept.outputs[task][here] = outputs[:cars]
    return percepts


def _blank(network: Network, cars: int) -> Percepts:
    outputs = {name: np.empty((cars, task.width), np.float32) for name, task in network.tasks.items()}
    return Percepts(network, np.empty((cars, network.d), np.float32), outputs)


def _padded(chunk: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if len(chunk) == CHUNK:
        return chunk
    return np.concatenate([chunk, np.zeros((CHUNK - len(chunk), *chunk.shape[1:]), np.uint8)])
