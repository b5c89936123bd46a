"""Every deliberate error of the project, in one tree.

    CoderError                 base: a message that says what to do, an exit code, an HTTP status
    ├── UsageError             a command or a setting that makes no sense
    ├── InputError             a file or a record that can't be read
    ├── UnknownCodeError       a code that the classification does not have
    ├── TaxonomyError          a classification folder that is not a tree
    ├── BundleError            a release on disk that is missing, damaged or of another format
    ├── TrainingError          training data or a recipe that can't give a model
    ├── EvaluationError        a suite, a run or an evaluation database that can't be used
    ├── AbsentError            suites whose gold files are not on this machine, so that nothing was measured
    └── RegressionError        a bundle that falls below its baseline or a gate

A message is one line, names the file or the value, and ends with what to do about it.
"""


class CoderError(Exception):
    """Base of every deliberate error; `exit_code` and `http_status` are what the adapters answer with."""

    exit_code = 1
    http_status = 500


class UsageError(CoderError):
    """A command, an option or a setting that makes no sense."""

    exit_code = 2
    http_status = 400


class InputError(CoderError):
    """A file or a record that can't be read as what it is said to be."""

    exit_code = 3
    http_status = 422


class UnknownCodeError(CoderError):
    """A code that the classification does not have."""

    exit_code = 4
    http_status = 404


class TaxonomyError(CoderError):
    """A classification folder whose rows do not form a tree."""

    exit_code = 5
    http_status = 500


class BundleError(CoderError):
    """A release on disk that is missing, damaged or of another format."""

    exit_code = 6
    http_status = 503


class TrainingError(CoderError):
    """Training data or a recipe that can't give a model."""

    exit_code = 7
    http_status = 422


class EvaluationError(CoderError):
    """A suite, a run or an evaluation database that can't be used as it is."""

    exit_code = 20
    http_status = 422


class AbsentError(CoderError):
    """Nothing was measured, because the gold files of every suite asked for are not on this machine."""

    exit_code = 21
    http_status = 404


class RegressionError(CoderError):
    """A bundle that falls below its baseline by more than the baseline's interval, or below a gate."""

    exit_code = 22
    http_status = 409
