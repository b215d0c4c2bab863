# SPDX-License-Identifier: Apache-2.0
"""Becomes the program: same process, same standard streams, its exit code."""

import os
import signal
import sys

from weir import program


def main():
    # Python ignores these two, which a program would inherit: `weir sql … | head` shall end as any other.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    path = program()
    try:
        os.execv(path, [path] + sys.argv[1:])
    except OSError as error:
        sys.stderr.write("error: the program of this package cannot be started: {}, `{}`\n"
                         "  hint: it is for Linux on x86-64 with glibc; reinstall the package if the file is gone\n".format(
                             error.strerror, path))
        return 127


if __name__ == "__main__":
    sys.exit(main())
