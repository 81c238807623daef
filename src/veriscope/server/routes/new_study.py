"""Making studies: looking at images first, from an upload or from folders of the server, or the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter

from veriscope.errors import InputError
from veriscope.io.folders import as_unicode
from veriscope.server.jobs.new_study import as_sent, image_sources
from veriscope.server.models.jobs import Job
from veriscope.server.models.studies import DemoRequest, DescribeRequest, Description, NewStudyRequest
from veriscope.server.parts import Owner, Server, ServerParts
from veriscope.server.problems import ProblemError
from veriscope.workflow.create import NewStudy
from veriscope.workflow.describe import describe_images
from veriscope.workflow.question import Question

__all__ = ["router"]

router = APIRouter(tags=["studies"])


@router.post("/api/describe")
def _describe_images(given: DescribeRequest, server: Server, _: Owner) -> Description:
    """Read the headers of images before a study is made of them."""
    images, upload = _images(server, given)
    found = describe_images(
        images,
        axes=given.axes,
        spacing={str(axis): size for axis, size in given.spacing.items()} if given.spacing else None,
        series=given.series,
    )
    if upload is not None:
        found["faults"] = [as_sent(fault, upload) for fault in found["faults"]]
    found["ignored_files"] = [as_unicode(Path(name).name) for name in found["ignored_files"]]
    return Description.model_validate(found)


@router.post("/api/studies", status_code=202)
def _new_study(given: NewStudyRequest, server: Server, who: Owner) -> Job:
    """Make a study, as a job."""
    folder = server.workspace.new_folder(given.folder)
    if given.in_place and given.upload:
        raise InputError("images that were sent cannot be read in place; leave in_place out")
    if given.sheet and given.assignments:
        raise InputError("sheet and assignments both give the groups; leave one out")
    Question.from_text(given.measure, object=given.object, tolerance=given.tolerance, level=given.level)
    images, upload = _images(server, given)
    left_out = {"folder", "title", "upload", "paths", "sheet", "assignments"}
    options = {key: value for key, value in given.model_dump(mode="json").items() if key not in left_out}
    options |= {"name": given.title, "groups": _sheet(server, given)}
    NewStudy.parse({"images": images, **options}, where="new study")
    request: dict[str, Any] = {
        "images": images,
        "options": options,
        "assignments": [item.model_dump() for item in given.assignments] if given.assignments else None,
        "upload": str(upload.parent) if upload else None,
    }
    return server.jobs.submit("new", folder.name, request, who.user)


@router.post("/api/demo", status_code=202)
def _new_demo(given: DemoRequest, server: Server, who: Owner) -> Job:
    """Simulate a study and walk the whole path with it, as a job."""
    workspace = server.workspace
    begun = not workspace.is_single and workspace.is_name(given.folder)
    begun = begun and (workspace.folder / f"{given.folder}-data" / "truth.json").exists()
    # A demo that was stopped goes on where it was.
    name = given.folder if begun else workspace.new_folder(given.folder).name
    request = given.model_dump(mode="json", exclude={"folder"})
    return server.jobs.submit("demo", name, request, who.user)


def _images(server: ServerParts, given: DescribeRequest) -> tuple[list[str], Path | None]:
    """Give the images asked for, and the folder of the upload that they are in."""
    if (given.upload is None) == (given.paths is None):
        raise InputError("give either upload or paths: where the images are")
    if given.upload is not None:
        files = server.uploads.files(given.upload)
        unfinished = [item.name for item in server.uploads.describe(given.upload).files if not item.complete]
        if unfinished:
            raise ProblemError.make(
                409,
                f"{len(unfinished)} files are not all there yet: {', '.join(unfinished[:5])}.",
                "Send the rest.",
            )
        return image_sources(files), files
    if not server.workspace.roots:
        raise ProblemError.make(
            403,
            "This server reads no folders of its own.",
            "Send the images, or start it with --root FOLDER.",
        )
    return [str(server.workspace.allowed(path)) for path in given.paths or ()], None


def _sheet(server: ServerParts, given: NewStudyRequest) -> str | None:
    if given.sheet is None:
        return None
    if given.upload is None:
        return str(server.workspace.allowed(given.sheet))
    names = [item.name for item in server.uploads.describe(given.upload).files]
    if given.sheet not in names:
        raise InputError(f"the upload has no file {given.sheet[:100]!r}; send the sheet with the images")
    return str(server.uploads.files(given.upload) / given.sheet)
