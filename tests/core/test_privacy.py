"""Nothing is reported to anybody: the libraries that could are silent."""

import os
import subprocess
import sys
from pathlib import Path

CODE = "from isco_rag.wiring import open_classifier; from isco_rag.types import Job; print(open_classifier(None).classify([Job('midwife')])[0].code)"


def test_coding_leaves_no_trace_in_the_home_of_its_user(tmp_path: Path) -> None:
    """onnxruntime, where it reports, keeps a number of the device and a queue of events there first."""
    # In CI it is silent by itself, which would hide that it is not elsewhere.
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**environment, "HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("2222")
    assert list(tmp_path.rglob("*")) == []
