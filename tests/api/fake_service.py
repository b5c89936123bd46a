"""The service as it is, with another trainer, which looks more often. Called with a state, a bundle, and two folders for the trainer."""

import sys
from pathlib import Path

from isco_api import retraining
from isco_api.options import Options
from isco_api.serving import run

from isco_rag.settings import load_settings

if __name__ == "__main__":
    state, bundle, source, notes = map(Path, sys.argv[1:])
    retraining.LOOK_SECONDS = retraining.WATCH_SECONDS = 0.1
    settings = notes / "settings.toml"
    trainer = (sys.executable, "-m", "tests.api.fake_trainer", str(source), str(notes))
    run(Options(state, port=0, settings_file=settings), bundle, load_settings(settings), trainer)
