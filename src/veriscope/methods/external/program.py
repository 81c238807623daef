"""Programs that are called once per image: their command line runs in a folder of its own, and is watched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.memory import usable_memory
from veriscope.errors import MethodError
from veriscope.methods.external.environment import Environment
from veriscope.methods.external.external_method import ExternalMethod
from veriscope.methods.external.model_paths import given_path
from veriscope.methods.external.process import end_group, memory_of

__all__ = ["ProgramMethod", "run_program"]

_LOOK_EVERY_S = 0.05


class ProgramMethod(ExternalMethod):
    """A file of a program, such as a project or a macro, that the program applies to one image at a time.

    Parameters
    ----------
    parameters
        Options of the class `Parameters`, or None for the defaults.

    Attributes
    ----------
    suffixes
        Of the files that the program takes.
    stays
        Whether the program may stay after its result is complete; it is ended then.
    """

    suffixes: ClassVar[tuple[str, ...]]
    stays: ClassVar[bool] = False

    @classmethod
    def model_files(cls, environment: Environment) -> list[Path]:
        """Give the file that the program applies."""
        path = given_path(cls.model) or Path(cls.model).absolute()
        if not path.is_file() or path.suffix.lower() not in cls.suffixes:
            raise MethodError(
                f"{cls.name}: {path} "
                + ("does not exist" if not path.is_file() else "is of another kind")
                + f"; give a file ending {' or '.join(cls.suffixes)}"
            )
        return [path]

    def make_ready(self) -> None:
        """Do nothing: program and file were found when the method was made."""

    def close(self) -> None:
        """Do nothing: the program ends with each image."""

    def command(self, folder: Path, image: Image) -> list[str]:
        """Write what the program reads, and say how it is called.

        Parameters
        ----------
        folder
            Empty; it is the working folder of the program, and removed afterwards.
        image
            One channel.

        Returns
        -------
        list of str
            Arguments after the program.
        """
        raise NotImplementedError

    def is_complete(self, folder: Path) -> bool:
        """Tell whether the result is there.

        Parameters
        ----------
        folder
            As for `command`.

        Returns
        -------
        bool
            Whether it is, also if the program has not ended.
        """
        raise NotImplementedError

    def result(self, folder: Path, image: Image) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Read what the program wrote.

        Parameters
        ----------
        folder
            As for `command`.
        image
            The same.

        Returns
        -------
        tuple
            Details, and arrays with ``labels``.
        """
        raise NotImplementedError

    def _ask(self, image: Image) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        folder = Path(tempfile.mkdtemp(prefix="veriscope-program-"))
        options = self.parameters
        try:
            arguments = self.command(folder, image)
            said = run_program(
                self.name,
                [str(self.environment.record["program"]), *arguments],
                folder,
                finished=(lambda: self.is_complete(folder)) if self.stays else lambda: False,
                seconds=options.timeout,
                memory_bytes=self.memory_bytes,
                threads=self.threads,
            )
            if not self.is_complete(folder):
                raise MethodError(
                    f"{image.name}: {self.name}: {self.recipe.title} ended without a result" + _told(said)
                )
            return self.result(folder, image)
        except OSError as error:
            raise MethodError(
                f"{image.name}: {self.name}: files for it cannot be written or read: {error}; is the disk of "
                "temporary files full?"
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def run_program(
    name: str,
    command: Sequence[str],
    folder: Path,
    *,
    finished: Callable[[], bool] = lambda: False,
    seconds: float = 600.0,
    memory_bytes: int | None = None,
    threads: int = 0,
) -> str:
    """Run a program to its end, or until what it writes last is there.

    Parameters
    ----------
    name
        Of the method, for messages.
    command
        Program and arguments.
    folder
        Its working folder.
    finished
        Whether its result is complete; a program that stays afterwards is ended.
    seconds
        Time allowed.
    memory_bytes
        Memory allowed (Linux); None: 90 % of what the machine has.
    threads
        Told to it where it listens; 0: its own choice.

    Returns
    -------
    str
        The end of what it printed.

    Raises
    ------
    MethodError
        If it cannot be started, fails, or takes too long or too much memory.
    """
    variables = {"LAZYFLOW_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)} if threads else {}
    most = int(0.9 * usable_memory()) if memory_bytes is None else memory_bytes
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**_environment(), **variables},
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise MethodError(f"{name}: {command[0]} cannot be started: {error.strerror or error}") from error
        end = time.monotonic() + seconds
        try:
            while process.poll() is None and not finished():
                if memory_of(process.pid) > most:
                    raise MethodError(
                        f"{name}: used more than the {most / 2**30:.1f} GB of memory allowed and was "
                        "stopped; "
                        "give smaller images, or more with --memory or -p memory_gb=N"
                    )
                if time.monotonic() > end:
                    raise MethodError(
                        f"{name}: gave no result within {seconds:g} s and was stopped; allow more with "
                        f"-p timeout=SECONDS{_told(_tail(log))}"
                    )
                time.sleep(_LOOK_EVERY_S)
            code = process.poll()
        finally:
            end_group(process)
        said = _tail(log)
    if code and not finished():
        raise MethodError(f"{name}: {Path(command[0]).name} failed with exit code {code}{_told(said)}")
    return said


def _environment() -> dict[str, str]:
    """Programs bring their own Python; ours must not lead it astray."""
    left_out = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {key: value for key, value in os.environ.items() if key not in left_out}


def _tail(log: Any) -> str:
    log.seek(max(0, os.fstat(log.fileno()).st_size - 2000))
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-3:])[-400:]


def _told(said: str) -> str:
    return f". Its last words: {said}" if said else ""
