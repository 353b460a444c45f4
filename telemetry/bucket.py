"""A prefix of a bucket that speaks S3: what is written there is safe when the store has answered."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from telemetry.destination import Stat
from telemetry.errors import NotNow, StoreContended, StoreRefused, StoreUnreachable

if TYPE_CHECKING:
    from pyarrow import fs  # loaded where it is used: a server that only checks the address has no use for it

_PATIENCE = {"connect_timeout": "5s", "timeout": "60s", "max_retries": "4", "retry_timeout": "30s"}
"""Of one request; who waits longer is the compactor."""

_AS_PYARROW_SAYS = {
    "access_key_id": "access_key",
    "secret_access_key": "secret_key",
    "session_token": "session_token",
    "default_region": "region",
    "region": "region",
    "endpoint": "endpoint_override",
    "endpoint_url": "endpoint_override",
    "endpoint_url_s3": "endpoint_override",
}
_CODE = re.compile(r"<Code>(\w+)</Code>|AWS Error (?!UNKNOWN|NETWORK)(\w+)")
_BY_ARROW = re.compile(r"AWS Error \w+ during \w+ operation: (.*?)(?:; Details|$)")
_SAYS_NO = {
    "nosuchbucket": "there is no such bucket",
    "accessdenied": "these credentials may not do that",
    "invalidaccesskeyid": "the access key is not known there",
    "invalidclienttokenid": "the access key is not known there",
    "signaturedoesnotmatch": "the secret key is not the one of the access key",
    "expiredtoken": "the session token has expired",
}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m|↳")


class Bucket:
    """As Destination. Tables go through deltalake's own client, clips through Arrow's, with the same options."""

    def __init__(self, bucket: str, prefix: str, options: Mapping[str, str]) -> None:
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        given = {name.lower().removeprefix("aws_"): value for name, value in options.items()}
        known = {
            name.lower().removeprefix("aws_"): value for name, value in os.environ.items() if name.startswith("AWS_")
        } | given
        self._named = {meant: known[name] for name, meant in _AS_PYARROW_SAYS.items() if known.get(name)}
        self.options = _PATIENCE | given
        if self._named.get("endpoint_override", "").startswith("http://"):
            self.options.setdefault("allow_http", "true")
        self._root = f"{bucket}/{prefix}".rstrip("/")
        self._fs: fs.S3FileSystem | None = None

    def table(self, name: str) -> str:
        """As Destination."""
        return f"{self.url}/tables/{name}"

    @contextlib.contextmanager
    def trouble(self) -> Iterator[None]:
        """Whatever the store or the way to it does becomes a NotNow."""
        from deltalake.exceptions import CommitFailedError, DeltaError

        try:
            yield
        except CommitFailedError as error:
            raise StoreContended(self.url, _line(error)) from error
        except (OSError, DeltaError) as error:
            raise self._explained(error) from error

    def keep(self, file: str, raw: bytes) -> None:
        """As Destination; an object appears whole or not at all."""
        with self.trouble(), self._files().open_output_stream(f"{self._root}/{file}") as out:
            out.write(raw)

    def read(self, file: str) -> bytes:
        """As Destination."""
        try:
            with self._files().open_input_stream(f"{self._root}/{file}") as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            raise FileNotFoundError(2, "no such file", f"{self.url}/{file}") from None
        except OSError as error:
            raise self._explained(error) from error

    def has(self, file: str) -> bool:
        """As Destination."""
        with self.trouble():
            return bool(self._files().get_file_info(f"{self._root}/{file}").is_file)

    def files(self, folder: str) -> dict[str, Stat]:
        """As Destination."""
        from pyarrow import fs

        below = fs.FileSelector(f"{self._root}/{folder}", recursive=True, allow_not_found=True)
        with self.trouble():
            found = self._files().get_file_info(below)
        return {
            one.path.removeprefix(f"{self._root}/"): Stat(one.size, one.mtime_ns / 1e9) for one in found if one.is_file
        }

    def remove(self, file: str) -> None:
        """As Destination."""
        with self.trouble(), contextlib.suppress(FileNotFoundError):
            self._files().delete_file(f"{self._root}/{file}")

    def sync(self, folder: str) -> None:
        """Nothing to do: an object that was answered for is safe."""

    def _files(self) -> "fs.S3FileSystem":
        """Arrow's client; made late, for making it may ask the network."""
        if self._fs is None:
            from pyarrow import fs

            patience = fs.AwsStandardS3RetryStrategy(max_attempts=1 + int(self.options["max_retries"]))
            self._fs = fs.S3FileSystem(
                **self._named, retry_strategy=patience, connect_timeout=5, request_timeout=60, allow_delayed_open=True
            )
        return self._fs

    def _explained(self, error: Exception) -> NotNow:
        text = str(error)
        code = _CODE.search(text)
        says = _SAYS_NO.get((code[1] or code[2]).replace("_", "").lower()) if code else None
        if says is None and ("403 Forbidden" in text or "HTTP status 403" in text):
            says = _SAYS_NO["accessdenied"]
        if says is None and "credential" in text.lower():
            says = "no credentials were found"
        return StoreRefused(self.url, says) if says else StoreUnreachable(self.url, _line(error))


def _line(error: Exception) -> str:
    """The last thing that an error says: what was at the bottom of it."""
    if by_arrow := _BY_ARROW.search(str(error)):
        return by_arrow[1]
    lines = [line.strip() for line in _COLOURS.sub("", str(error)).splitlines()]
    return next((line for line in reversed(lines) if line), type(error).__name__)
