"""``python -m swiftcnn``: networks trained, tested and used on images from the command line.

`main` runs a command and gives its exit status: 0 if all went well, 1 if something failed, 2 for arguments that cannot be,
130 after Ctrl-C. Whatever fails is one line on standard error that says what was wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Optional

from ._arguments import parse


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs the command that `arguments` (default: the process's) say; returns the exit status."""
    try:
        options = parse(arguments)
        status: int = options.run(options)
        sys.stdout.flush()  # here, where a reader that went away can be answered
    except SystemExit as ended:  # argparse: after --help, or for what it cannot read
        return ended.code if isinstance(ended.code, int) else 2
    except KeyboardInterrupt:
        say("ended by Ctrl-C")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python still writes at its end
        return 1
    except (ImportError, OSError, RuntimeError, ValueError, TypeError, NotImplementedError, MemoryError) as error:
        say(error)
        return 1
    return status


def say(problem: object) -> None:
    """One line on standard error."""
    print(f"swiftcnn: {' '.join(str(problem).split()) or type(problem).__name__}", file=sys.stderr)
