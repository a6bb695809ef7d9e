import os

# Before anything imports dlt.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
