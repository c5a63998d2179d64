"""Hands the process over to the Go binary beside this file.

Lambda@Edge starts Python and imports this module to find a handler. The import
never ends: the binary takes the process over and polls the Lambda Runtime API
itself. If it cannot, the exception ends the start and Lambda logs it.
"""

import os

here = os.path.dirname(os.path.abspath(__file__))
os.closerange(3, 1024)  # what the Python runtime has open is of no use to Go
os.execv(os.path.join(here, "edge"), ["edge"])
