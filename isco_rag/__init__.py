"""The core: what a job, a classification and a probability are, and how one comes to the other."""

import os

# From 1.29 on, onnxruntime keeps a number of the device and sends its maker what models it opens, unless this is set before it is loaded.
# Nothing leaves the machine, so this is the one thing that is set when the package is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
