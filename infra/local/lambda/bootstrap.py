# What AWS's Python runtime client does before its first poll: it imports the
# handler's module, and reports a failure to the Runtime API.
# https://github.com/aws/aws-lambda-python-runtime-interface-client
import importlib
import os
import sys


def init_error(kind, message, trace):
    import json  # here, since a launcher that works should not wait for them
    import urllib.request

    body = {"errorMessage": message, "errorType": kind, "stackTrace": trace}
    request = urllib.request.Request(
        "http://%s/2018-06-01/runtime/init/error" % os.environ["AWS_LAMBDA_RUNTIME_API"],
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": kind},
    )
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
    sys.exit(1)


sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
module, _, _ = os.environ["_HANDLER"].rpartition(".")
# The runtime client takes this away from the function too.
os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
try:
    importlib.import_module(module.replace("/", "."))
except ImportError as error:
    init_error("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module, error), [])
except SyntaxError as error:
    init_error("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module, error), [])
except BaseException as error:
    import traceback

    init_error(type(error).__name__, str(error), traceback.format_tb(error.__traceback__))
init_error("Runtime.ProcessNotReplaced", "module '%s' was imported and did not replace its process" % module, [])
