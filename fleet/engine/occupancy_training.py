"""The occupancy tracker's head, and the few numbers that its geometry goes by."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fleet.engine.pixel_labels import pixel_labels
from fleet.engine.sampling import Sampler
from fleet.engine.training import LossNotFinite, Schedule
from vehicle import Network, PixelHead, occupancy

Progress = Callable[[int, float], None]
WEIGHTS = (1.0, 2.0, 10.0, 20.0, 100.0, 1.0)
"""Of the answers' losses: the rarer a yes, the smaller its mean cross-entropy, so that none drowns in the shared layer.
An answer stays calibrated, for a weight holds for its yes and its no alike."""


def train_pixel_head(
    network: Network, sampler: Sampler, schedule: Schedule, *, seed: int, progress: Progress
) -> tuple[PixelHead, int]:
    """A head trained from nothing on a frozen backbone's features, and how many steps it took. LossNotFinite."""
    torch.manual_seed(seed)
    rig = sampler.world.rig
    head = PixelHead().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rays, first = torch.from_numpy(occupancy.rays_of(rig)).repeat(schedule.batch, 1, 1, 1), occupancy.first_row(rig)
    optimizer = torch.optim.AdamW(head.parameters(), weight_decay=1e-4)
    begun, step = time.monotonic(), 0
    while (done := schedule.done(step, time.monotonic() - begun)) < 1:
        cars, ticks = sampler.moments(step, schedule.batch)
        _, seen = network.see(sampler.world.frames(cars, ticks).pixels.numpy())
        fine, coarse = (torch.from_numpy(part) for part in occupancy.below_horizon(seen, first))
        logits = head(fine, coarse, rays)
        labels, known = pixel_labels(sampler.world, cars, ticks, tuple(logits.shape[1:3]))
        losses = losses_of(logits, labels, known)
        total = (losses * losses.new_tensor(WEIGHTS)).sum()
        if not torch.isfinite(total):
            raise LossNotFinite(step, dict(zip(occupancy.ANSWERS, losses.tolist(), strict=True)))
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_at(step, done)
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        progress(step, float(total.detach()))
    return head.eval(), step


def losses_of(logits: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    """Mean cross-entropy of each answer over what could be labelled, (6,)."""
    each = nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none") * known
    return each.sum((0, 1, 2)) / known.sum((0, 1, 2)).clamp(min=1)
