"""The package of a network: what it says of itself, its weights, and examples of what they give."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import yaml

from veriscope.errors import InputError, MethodError
from veriscope.methods.base import Card
from veriscope.methods.networks.engine_check import Example
from veriscope.methods.networks.engines import Precision
from veriscope.methods.networks.network_settings import NetworkSettings
from veriscope.methods.networks.normalise import normalise_percentiles

__all__ = ["NetworkPackage", "shipped"]

_TOLERANCE: dict[Precision, tuple[float, float]] = {
    "float32": (1e-3, 1e-4),
    "bfloat16": (0.1, 0.01),
    "int8": (0.25, 2e-3),
}
"""Largest and mean difference allowed of an engine's outputs from those stored. Measured with OpenVINO on
nuclei-fluorescence: in float32 800 times less, in bfloat16 and int8 2 to 9 times less."""


@dataclass(frozen=True, slots=True)
class NetworkPackage:
    """A BioImage.IO package of a network that Veriscope trained.

    Parameters
    ----------
    folder
        Where its files lie.
    settings
        How the network is used.
    card
        What it is for.
    version
        Of the package.
    channels
        Names of the channels that it sees.
    files
        By precision: name and SHA-256 of the weights, and name of their outputs for the test input.
    test_input
        Name of the file.
    """

    folder: Traversable
    settings: NetworkSettings
    card: Card
    version: str
    channels: tuple[str, ...]
    files: Mapping[str, tuple[str, str, str]]
    test_input: str

    @classmethod
    def read(cls, folder: Traversable, content: Mapping[str, Any], *, where: str) -> NetworkPackage:
        """Read what a description says.

        Parameters
        ----------
        folder
            Where the files lie.
        content
            Of its ``bioimageio.yaml``, as plain values.
        where
            Name of the package, for messages.

        Returns
        -------
        NetworkPackage
            Nothing but the description has been read.

        Raises
        ------
        InputError
            If the package is none that Veriscope trained, or lacks something.
        """
        own = (content.get("config") or {}).get("veriscope") or {}
        if "network" not in own:
            raise InputError(
                f"{where}: its description has no config.veriscope.network, so it is no network trained by "
                "Veriscope; use it as a model package: zoo:NAME, or its path"
            )
        settings = NetworkSettings.parse(own["network"], where=f"{where}: config.veriscope.network")
        try:
            raw, dense = content["inputs"][0], content["outputs"][0]
            named = [axis.get("channel_names") for axis in raw["axes"] if axis.get("type") == "channel"]
            onnx = content["weights"]["onnx"]
            stored = {"float32": (onnx["source"], onnx["sha256"], dense["test_tensor"]["source"])}
            int8 = own.get("int8")
            # Packages that were added keep only the files that the format knows of.
            if int8 and (folder / int8["source"]).is_file():
                stored["int8"] = (int8["source"], int8["sha256"], int8["test_output"])
            facts = {
                "summary": content["description"],
                "objects": (),
                "modalities": (),
                "channels": "one channel" if settings.n_channels == 1 else f"{settings.n_channels} channels",
                "diameter_px": None if settings.head == "classification" else settings.diameters,
                "licence": str(content.get("license") or "not stated"),
            }
            card = Card.model_validate(facts | dict(own.get("card") or {}))
            return cls(
                folder,
                settings,
                card,
                str(content.get("version") or "unversioned"),
                tuple(str(name) for name in (named[0] if named else ()) or ()),
                stored,
                raw["test_tensor"]["source"],
            )
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise InputError(
                f"{where}: its description lacks something that a network of Veriscope has, or has it "
                f"wrong: {error!r}; make the package anew with veriscope train or veriscope models export"
            ) from error

    def weights(self, precision: Precision) -> Traversable:
        """Give the ONNX file.

        Parameters
        ----------
        precision
            In which it is to be run; for ``int8`` it is another file.

        Returns
        -------
        importlib.resources.abc.Traversable
            A file of the package.

        Raises
        ------
        MethodError
            If there are no weights for that precision.
        """
        return self.folder / self._files(precision)[0]

    def sha256(self, precision: Precision) -> str:
        """Give the SHA-256 of the ONNX file, as the description states it.

        Parameters
        ----------
        precision
            As for `weights`.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return self._files(precision)[1]

    def verify(self) -> None:
        """Refuse weights that are not those described.

        Raises
        ------
        InputError
            If a file is missing or has another hash.
        """
        for name, expected, _ in self.files.values():
            try:
                found = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
            except OSError as error:
                raise InputError(f"{self.folder / name}: cannot be read: {error}") from error
            if found != expected:
                raise InputError(
                    f"{self.folder / name}: has SHA-256 {found} and its description says {expected}; the "
                    "file is damaged or was exchanged: copy or make the package anew"
                )

    def examples(self, precision: Precision) -> list[Example]:
        """Give what an engine is checked with: the example of the package, whole, and cut to another size.

        Parameters
        ----------
        precision
            For bfloat16 the outputs expected are those in float32, for int8 those of the 8-bit weights.

        Returns
        -------
        list of Example
            Outputs are as ONNX Runtime made them when the package was.
        """
        raw, stored = self._load(self.test_input), self._load(self._files(precision)[2])
        expected = stored if isinstance(stored, np.ndarray) else stored["dense"]
        # As the description says: one brightness for all channels.
        values = normalise_percentiles(raw[0])[None]
        # Pixels at least this far from where an image is cut off are as without the cut.
        seen = self.settings.halo + self.settings.stride
        height = values.shape[2] - 2 * self.settings.stride
        width = values.shape[3] - self.settings.stride
        tolerance = _TOLERANCE[precision]
        whole = Example(values, expected, *tolerance)
        part = expected[..., : height - seen, : width - seen]
        if min(height, width) <= seen:
            return [whole]
        return [whole, Example(values[..., :height, :width], part, *tolerance)]

    def _files(self, precision: Precision) -> tuple[str, str, str]:
        name = "int8" if precision == "int8" else "float32"
        if name not in self.files:
            raise MethodError(
                f"{self.folder.name}: has no 8-bit weights, so precision=int8 cannot be had; choose float32 "
                "or bfloat16"
            )
        return self.files[name]

    def _load(self, name: str) -> Any:
        return np.load(io.BytesIO((self.folder / name).read_bytes()))


def shipped(name: str) -> NetworkPackage:
    """Read a package that comes with Veriscope.

    Parameters
    ----------
    name
        Of the method, such as ``nuclei-fluorescence``.

    Returns
    -------
    NetworkPackage
        Nothing but its description has been read.
    """
    folder = files("veriscope.methods.networks") / f"{name.replace('-', '_')}_package"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load((folder / "bioimageio.yaml").read_bytes(), Loader=loader)
    return NetworkPackage.read(folder, content, where=name)
