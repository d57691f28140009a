"""What the agent cannot do, in one sentence that names the cause and the mend."""


class AgentError(Exception):
    """The run cannot go on; exit code 3."""

    exit_code = 3


class UnsupportedError(AgentError):
    """Nothing can run on this host; exit code 77."""

    exit_code = 77


class MissingError(AgentError):
    """This host lacks what a trial needs; the trial is `missing`, the run goes on."""


class Stopped(BaseException):
    """A signal asked the agent to leave; knobs are restored on the way out."""
