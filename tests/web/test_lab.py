"""A lab's server in a real browser: accounts and roles over TLS, a plate, and what happens behind the page.

Node runs ``web/tests/lab.mjs`` with Debian's Chromium against ``veriscope serve`` with a certificate made
here; nothing is mocked.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulationSettings
from veriscope.datasets.study import GroupSettings, StudySettings, simulate_study
from veriscope.io.plates import write_plate
from veriscope.server.access.accounts import Accounts
from veriscope.workflow.study import Study

WELLS = {"control": ("B02", "B03", "B04"), "treated": ("C02", "C03", "C04")}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study from a plate of six wells with two fields each; candidates have run, tiles are drawn."""
    folder = tmp_path_factory.mktemp("lab")
    scene = SceneSettings(height_px=144, width_px=160, density_per_mm2=4500, diameter_um=7)
    settings = StudySettings(
        simulation=SimulationSettings(scene=scene),
        groups=(GroupSettings(name="control"), GroupSettings(name="treated", density_factor=0.6)),
        replicates=3,
        images_per_replicate=2,
    )
    simulated = simulate_study(settings, seed=8)
    fields = ((WELLS[one.group][int(one.replicate[-1]) - 1], one.image) for one in simulated)
    write_plate(folder / "plate.ome.zarr", fields)
    rows = [f"{well},{group}" for group, wells in WELLS.items() for well in wells]
    (folder / "sheet.csv").write_text("\n".join(["well,group", *rows]) + "\n")
    study = Study.new(
        folder / "studies" / "plate",
        images=folder / "plate.ome.zarr",
        groups=str(folder / "sheet.csv"),
        object="nucleus",
        tolerance="10%",
        methods=("otsu-watershed", "log-spots"),
        tile_size=80,
        name="A plate",
    )
    study.run()
    study.audit(tiles=6)
    return folder


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that nobody else trusts, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.fixture(scope="module")
def address(
    serving: Callable[..., AbstractContextManager[str]], workspace: Path, certificate: tuple[Path, Path]
) -> Iterator[str]:
    """Address of a server with three accounts, that listens to other computers too."""
    accounts = Accounts(workspace / "accounts.sqlite")
    for name, role in (("vera", "viewer"), ("anna", "annotator"), ("otto", "owner")):
        accounts.add(name, f"password of {name}", role)  # type: ignore[arg-type]
    cert, key = map(str, certificate)
    words = ["--host", "0.0.0.0", "--name", "localhost", "--tls-cert", cert, "--tls-key", key]
    with serving(workspace / "studies", "--accounts", str(workspace / "accounts.sqlite"), *words) as address:
        yield address


@pytest.mark.slow
def test_over_tls_with_a_certificate_that_is_checked(address: str, certificate: tuple[Path, Path]) -> None:
    assert address.startswith("https://localhost:") and "token" not in address
    context = ssl.create_default_context(cafile=str(certificate[0]))
    with urllib.request.urlopen(f"{address}api/session", context=context, timeout=60) as answer:
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{address}api/session", timeout=60)
    with pytest.raises(OSError):
        urllib.request.urlopen(address.replace("https:", "http:"), timeout=60)


@pytest.fixture(scope="module")
def seen(drive: Callable[..., dict[str, Any]], address: str, workspace: Path) -> dict[str, Any]:
    """What the browser saw: seconds of each stage, and all faults."""
    return drive("lab.mjs", address, "plate", str(workspace / "studies" / "plate"))


@pytest.mark.slow
def test_each_role_may_do_what_it_may(seen: dict[str, Any]) -> None:
    broken = [fault for fault in seen["faults"] if not fault.startswith("axe")]
    assert not broken, f"{broken}\nafter {seen['seconds']}; pictures are in {seen['pictures']}"
    assert list(seen["seconds"])[-1] == "gone"


@pytest.mark.slow
def test_its_screens_have_no_serious_fault_of_accessibility(seen: dict[str, Any]) -> None:
    assert not [fault for fault in seen["faults"] if fault.startswith("axe")]
