# Runs the example of the README's first screen, as it stands there, against a started server.
# Run: BASE=http://host:port ACCOUNT_SID= AUTH_TOKEN= python readme_example.py   (needs PyPI package: twilio)
import os
import re
import sys
from pathlib import Path

from twilio.rest import Client

README = Path(__file__).resolve().parents[2] / "README.md"
blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
if len(blocks) != 1:
    sys.exit("FAIL the README holds one Python example, found %d" % len(blocks))
example = blocks[0].replace("http://127.0.0.1:8080", os.environ["BASE"])
if os.environ["BASE"] not in example:
    sys.exit("FAIL the example does not name the server")

direct = Client(os.environ["ACCOUNT_SID"], os.environ["AUTH_TOKEN"])
direct.taskrouter.base_url = os.environ["BASE"] + "/taskrouter"
space = direct.taskrouter.v1.workspaces.create("README")
queue = direct.taskrouter.v1.workspaces(space.sid).task_queues.create("Everyone")
configuration = '{"task_routing": {"default_filter": {"queue": "%s"}}}' % queue.sid
workflow = direct.taskrouter.v1.workspaces(space.sid).workflows.create("Default", configuration)

names = {
    "account_sid": os.environ["ACCOUNT_SID"],
    "auth_token": os.environ["AUTH_TOKEN"],
    "workspace_sid": space.sid,
    "workflow_sid": workflow.sid,
}
exec(compile(example, "README.md", "exec"), names)
tasks = direct.taskrouter.v1.workspaces(space.sid).tasks.list()
ok = len(tasks) == 1 and tasks[0].assignment_status == "pending"
print("ok   the README's example makes a task" if ok else "FAIL the README's example made %d tasks" % len(tasks))
sys.exit(0 if ok else 1)
