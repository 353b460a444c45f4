"""Labels that somebody gave clips: how yes and no are written, and the clips that they are about."""

from collections.abc import Sequence
from pathlib import Path

YES, NO = ("1", "yes", "true"), ("0", "no", "false")


def clips_below(folder: Path) -> dict[str, Path]:
    """Clip to its file."""
    return {path.stem: path for path in sorted(folder.rglob("*.mcap"))}


def not_below(folder: Path, strangers: Sequence[str]) -> str:
    """What is wrong where some labels' clips are not there."""
    return f"{len(strangers)} clips are not below {folder}, such as {strangers[0]}"
