"""Writing what a user asked for."""

from pathlib import Path

from fleet.errors import CannotWrite


def save(content: bytes, file: Path) -> None:
    """Write a file, and its folder where there is none. Raises CannotWrite."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise CannotWrite(file, error) from error
