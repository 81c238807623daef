"""Faults are raised together, as the error that all of them are."""

from __future__ import annotations

import pytest

from veriscope.errors import (
    AxesError,
    InputError,
    MethodError,
    MissingPackageError,
    PixelValueError,
    ShapeMismatchError,
    StudyError,
    TableError,
    UnreadableFileError,
    VeriscopeError,
    raise_together,
)


def test_no_fault_is_no_error() -> None:
    raise_together([], what="images", remedy="Mend them.")


def test_a_single_fault_is_raised_as_it_is() -> None:
    fault = AxesError("a.tif: no axis y")
    with pytest.raises(AxesError) as caught:
        raise_together([fault], what="1 image cannot be used")
    assert caught.value is fault


def test_a_single_fault_with_a_remedy_keeps_its_kind() -> None:
    with pytest.raises(AxesError) as caught:
        raise_together([AxesError("a.tif: no axis y")], what="1 image cannot be used", remedy="State --axes.")
    assert str(caught.value) == "1 image cannot be used:\n  - a.tif: no axis y\nState --axes."


def test_faults_are_listed_and_longer_ones_indented() -> None:
    faults = [TableError("row 1 has no group"), TableError("row 2:\nno image")]
    with pytest.raises(TableError) as caught:
        raise_together(faults, what="the sheet cannot be used", remedy="Mend it.")
    assert str(caught.value) == (
        "the sheet cannot be used:\n  - row 1 has no group\n  - row 2:\n    no image\nMend it."
    )


def test_of_many_faults_twenty_are_shown_and_the_others_counted() -> None:
    with pytest.raises(TableError) as caught:
        raise_together([TableError(f"row {i}") for i in range(23)], what="rows")
    lines = str(caught.value).splitlines()
    assert lines[1] == "  - row 0"
    assert lines[20:] == ["  - row 19", "  … and 3 more"]


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        ([AxesError("a"), AxesError("b")], AxesError),
        ([AxesError("a"), UnreadableFileError("b")], InputError),
        ([InputError("a"), TableError("b")], InputError),
        ([StudyError("a"), TableError("b")], VeriscopeError),
    ],
)
def test_several_faults_are_raised_as_what_all_of_them_are(
    faults: list[VeriscopeError], kind: type[VeriscopeError]
) -> None:
    with pytest.raises(VeriscopeError) as caught:
        raise_together(faults, what="images")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "kind", [UnreadableFileError, AxesError, ShapeMismatchError, PixelValueError, TableError]
)
def test_wrong_input_is_a_value_error_for_code_that_knows_nothing_of_veriscope(
    kind: type[InputError],
) -> None:
    assert issubclass(kind, ValueError)
    assert issubclass(kind, VeriscopeError)


def test_a_missing_package_is_an_import_error_and_wrong_state_is_not_wrong_input() -> None:
    assert issubclass(MissingPackageError, ImportError)
    assert not issubclass(StudyError, InputError)
    assert not issubclass(MethodError, InputError)
