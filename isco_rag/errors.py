"""Every deliberate error of the project, in one tree.

    CoderError                 base: a message that says what to do, an exit code, an HTTP status
    ├── UsageError             a command or a setting that makes no sense
    ├── InputError             a file or a record that can't be read
    ├── UnknownCodeError       a code that the classification does not have
    ├── TaxonomyError          a classification folder that is not a tree
    ├── BundleError            a release on disk that is missing, damaged or of another format
    ├── TrainingError          training data or a recipe that can't give a model
    ├── StoreError             a state database that can't be read or written now
    ├── NotFoundError          a record of the state that is not there
    ├── ConflictError          a change that what is there does not allow
    ├── LoginError             a caller who did not say who it is, or not truly
    ├── AccessError            a caller who may not do this
    ├── LimitError             more than may be asked at once
    ├── TooLargeError          a body, a field or a file that is larger than it may be
    ├── AuditError             an audit trail that does not verify
    ├── AlertError             a watched figure beyond its limit
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


class StoreError(CoderError):
    """A state database that can't be read or written now: busy, full, unreachable, of another version."""

    exit_code = 8
    http_status = 503


class NotFoundError(CoderError):
    """A record of the state that is not there."""

    exit_code = 9
    http_status = 404


class ConflictError(CoderError):
    """A change that what is there does not allow."""

    exit_code = 10
    http_status = 409


class LoginError(CoderError):
    """A caller who did not say who it is, or not truly."""

    exit_code = 11
    http_status = 401


class AccessError(CoderError):
    """A caller who may not do this."""

    exit_code = 12
    http_status = 403


class LimitError(CoderError):
    """More than may be asked at once; ask again later."""

    exit_code = 13
    http_status = 429


class TooLargeError(CoderError):
    """A body, a field or a file that is larger than it may be."""

    exit_code = 14
    http_status = 413


class AuditError(CoderError):
    """An audit trail in which a row was changed, removed or reordered."""

    exit_code = 15
    http_status = 409


class AlertError(CoderError):
    """A watched figure stands beyond its limit; for a scheduler that mails what fails."""

    exit_code = 16
    http_status = 409


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
