# Creates tasks with the official Python library, exactly as a file says.
# Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= python create_tasks.py tasks.json   (needs PyPI package: twilio)
#
# tasks.json: {"workspace_sid": "WS…", "workflow_sid": "WW…", "tasks": [{"attributes": "<JSON text>",
# "task_channel": "email" or null, "timeout": seconds or null}]}
# Prints one JSON array: the SID and the attribute text of each task as the server answered, in order.
import json
import os
import re
import sys
from urllib.parse import urlsplit

from twilio.base import values
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

BASE = os.environ["BASE"].rstrip("/")
TEMPLATE = os.environ.get("REST_TEMPLATE", BASE + "/{product}")


class SelfHosted(TwilioHttpClient):
    """Rewrites https://<product>[.<edge>.<region>].twilio.com/... to the self-hosted server."""

    def request(self, method, url, *args, **kwargs):
        parts = urlsplit(url)
        found = re.match(r"^([a-z0-9-]+)(\..+)?\.twilio\.com$", parts.hostname or "")
        if found:
            query = "?" + parts.query if parts.query else ""
            url = TEMPLATE.replace("{product}", found.group(1)) + parts.path + query
        return super().request(method, url, *args, **kwargs)


def given(value):
    """What is null in the file is left out, as the library does with what is not set."""
    return values.unset if value is None else value


def main(path):
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    client = Client(os.environ["ACCOUNT_SID"], os.environ["AUTH_TOKEN"], http_client=SelfHosted())
    workspace = client.taskrouter.v1.workspaces(job["workspace_sid"])
    made = []
    for task in job["tasks"]:
        created = workspace.tasks.create(
            workflow_sid=job["workflow_sid"],
            attributes=task["attributes"],
            task_channel=given(task.get("task_channel")),
            timeout=given(task.get("timeout")),
        )
        made.append({"sid": created.sid, "attributes": created.attributes})
    json.dump(made, sys.stdout)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
