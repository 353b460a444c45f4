"""What the tests of a car put into it: networks that have learnt nothing, triggers that fire at once."""

import torch

from triggers import TriggerSpec
from vehicle import TASKS, HydraNet

HEADS = ("vehicles", "pedestrians", "stop_sign", "weather", "path_pedestrian")


def blank(seed: int) -> HydraNet:
    """A network that has learnt nothing, with statistics of its own."""
    torch.manual_seed(seed)
    network = HydraNet({name: TASKS[name] for name in HEADS})
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
    return network.eval()


def spec(name: str = "always", **changes: object) -> TriggerSpec:
    told = {
        "name": name,
        "kind": "expression",
        "params": {"fire_when": "Vehicle.Speed > 20"},
        "fire": {"edge": "always", "cooldown_s": 5},
        "clip": {"before_s": 2, "after_s": 2},
    }
    return TriggerSpec.model_validate(told | changes)
