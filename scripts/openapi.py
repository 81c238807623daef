"""Write the description of the server's routes, from which the front end makes its types.

python scripts/openapi.py            writes web/openapi.json
python scripts/openapi.py --check    fails if the file is not up to date
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "web" / "openapi.json"


def render() -> str:
    """Give the content of the file.

    Returns
    -------
    str
        OpenAPI 3.1 as JSON.
    """
    from veriscope.server.app import create_app
    from veriscope.server.settings import ServerSettings

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(ServerSettings(folder=Path(folder), token="openapi"))
        schema = app.openapi()
    schema["info"]["version"] = "1"
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the file, or check it.

    Returns
    -------
    int
        Exit code.
    """
    text = render()
    if "--check" in sys.argv[1:]:
        is_current = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        if not is_current:
            print(f"{TARGET.relative_to(ROOT)} is out of date; run: python scripts/openapi.py")
        return 0 if is_current else 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
