"""The studies that a server shows, and the paths that it may touch."""

from __future__ import annotations

import errno
import re
import unicodedata
from pathlib import Path

from veriscope.errors import InputError
from veriscope.io.folders import is_unicode
from veriscope.server.kept import Kept
from veriscope.server.problems import ProblemError
from veriscope.server.study_files import stamp_of
from veriscope.workflow.config import StudyConfig, read_config
from veriscope.workflow.layout import StudyFolder, StudyImage

__all__ = ["HIDDEN", "Workspace"]

HIDDEN = ".veriscope"
"""Folder of the server's own state in a workspace."""

_NAME = re.compile(r"[^\W_][\w .+()-]{0,99}")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$", re.IGNORECASE)


class Workspace:
    """A folder of studies, or one study.

    Parameters
    ----------
    folder
        The workspace, or a study.
    roots
        Further folders from which images may be taken.
    """

    def __init__(self, folder: Path, roots: tuple[Path, ...] = ()) -> None:
        self.folder = folder.resolve()
        self.is_single = (self.folder / "study.yaml").exists()
        self.roots = tuple(root.resolve() for root in roots)
        self._images: Kept[Path, dict[str, StudyImage]] = Kept(50)

    @property
    def state(self) -> Path:
        """Folder of the server's own state."""
        return self.folder / HIDDEN

    def names(self) -> list[str]:
        """List the studies, those changed last first.

        Returns
        -------
        list of str
            Names of their folders.
        """
        if self.is_single:
            return [self.folder.name]
        found = []
        for path in self.folder.iterdir():
            config = path / "study.yaml"
            if not _is_folder_name(path.name) or not config.is_file():  # as a link that leads to itself
                continue
            if path.resolve().is_relative_to(self.folder):
                record = path / "record.jsonl"
                changed = (record if record.exists() else config).stat().st_mtime
                found.append((changed, path.name))
        return [name for _, name in sorted(found, reverse=True)]

    def study(self, name: str) -> StudyFolder:
        """Give a study by its name.

        Parameters
        ----------
        name
            As in `names`.

        Returns
        -------
        StudyFolder
            The study.

        Raises
        ------
        ProblemError
            404 if there is none of this name.
        """
        if self.is_single and name == self.folder.name:
            return StudyFolder(self.folder)
        if not self.is_single and _is_folder_name(name):
            path = self.folder / name
            if (path / "study.yaml").is_file() and path.resolve().is_relative_to(self.folder):
                return StudyFolder(path)
        raise ProblemError.make(404, f"There is no study {name[:100]!r}.", "Go back to the list of studies.")

    def opened(self, name: str) -> tuple[StudyFolder, StudyConfig]:
        """Give a study with its study.yaml.

        Parameters
        ----------
        name
            As in `names`.

        Returns
        -------
        tuple of StudyFolder and StudyConfig
            The study.

        Raises
        ------
        ProblemError
            404 if there is none of this name.
        InputError
            If its study.yaml is wrong.
        """
        folder = self.study(name)
        return folder, read_config(folder.config)

    def folder_of(self, name: str) -> Path:
        """Give the folder of a study that is there or is being made.

        Parameters
        ----------
        name
            Of the study; checked when its job was taken in.

        Returns
        -------
        pathlib.Path
            It need not exist.
        """
        return self.folder if self.is_single else self.folder / name

    def new_folder(self, name: str) -> Path:
        """Give the folder of a study to be made.

        Parameters
        ----------
        name
            Of the folder.

        Returns
        -------
        pathlib.Path
            Not made yet.

        Raises
        ------
        ProblemError
            409 if it exists, or this server shows one study only.
        InputError
            If the name cannot be a folder's.
        """
        if self.is_single:
            raise ProblemError.make(
                409,
                "This server was started for one study.",
                "Start it for a folder: veriscope serve FOLDER.",
            )
        name = unicodedata.normalize("NFC", name).strip()
        if not self.is_name(name):
            raise InputError(
                f"{name[:100]!r} cannot be the name of a study's folder; use letters, digits, space, . _ - + "
                "( ), begin with a letter or digit, 100 at most"
            )
        path = self.folder / name
        taken = {item.name.lower() for item in self.folder.iterdir()}
        if name.lower() in taken:
            raise ProblemError.make(409, f"There is a folder {name!r} already.", "Choose another name.")
        return path

    def is_name(self, name: str) -> bool:
        """Tell whether a text can be the name of a new study's folder.

        Parameters
        ----------
        name
            Any text.

        Returns
        -------
        bool
            Whether it is one harmless part of a path, on any system.
        """
        return bool(_NAME.fullmatch(name)) and not _RESERVED.match(name) and not name.endswith((".", " "))

    def allowed(self, text: str) -> Path:
        """Check that a path of this computer may be read.

        Parameters
        ----------
        text
            Absolute path, or relative to the workspace; may end in a pattern.

        Returns
        -------
        pathlib.Path
            Resolved.

        Raises
        ------
        ProblemError
            403 if it lies outside the folders that may be read.
        InputError
            If it leads nowhere.
        """
        if "\0" in text:
            raise InputError("a path cannot hold the character NUL; remove it")
        try:
            path = (self.folder / Path(text).expanduser()).resolve()
            _refuse_loop(path)
        except RuntimeError:  # the home of somebody who is not known, or a link that leads to itself
            raise InputError(f"{text[:100]!r} leads nowhere; choose another folder") from None
        if not any(path.is_relative_to(root) for root in (self.folder, *self.roots)):
            raise ProblemError.make(
                403,
                "This folder is not one of those that the server may read.",
                "Choose one below the roots, or start the server with --root FOLDER.",
            )
        return path

    def image(self, folder: StudyFolder, image_id: str) -> StudyImage:
        """Give an image of a study by its identifier.

        Parameters
        ----------
        folder
            The study.
        image_id
            Of the image.

        Returns
        -------
        StudyImage
            Its row.

        Raises
        ------
        ProblemError
            404 if there is none.
        """
        now = stamp_of(folder.images_table)
        rows = self._images.get(
            folder.root, now, lambda: {image.image_id: image for image in folder.images()}
        )
        if image_id not in rows:
            raise ProblemError.make(404, f"The study has no image {image_id[:100]!r}.", "Reload the images.")
        return rows[image_id]


def _refuse_loop(path: Path) -> None:
    """Refuse a link that leads to itself, which `Path.resolve` no longer does from Python 3.13 on."""
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RuntimeError("a link leads to itself") from error


def _is_folder_name(name: str) -> bool:
    """Tell whether a text is the name of a folder in the workspace: studies made elsewhere have any."""
    is_part = Path(name).name == name and "\0" not in name and is_unicode(name) and len(name.encode()) <= 255
    return is_part and name != "" and not name.startswith(".")
