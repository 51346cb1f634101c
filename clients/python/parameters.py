"""Runs clients/cases/*.json through the official Python library: each published parameter, and what it does.

* Every reply on the way is compared with the published document, refusals too.
* A case that says it shows a parameter must have sent it. A case without an expectation is an error.
* The first call of an operation is preceded by one for each of its path parameters with a SID of nobody's in its
  place: that must be 404, and the true call must still succeed. Only an identity need not be known to be given rights.

Run: BASE=http://host:port ACCOUNT_SID=… AUTH_TOKEN=… python parameters.py [part of a case's name …]
"""

import datetime
import glob
import json
import os
import re
import sys
import urllib.request
from base64 import b64encode
from urllib.parse import urlsplit

from published import Published
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

BASE = os.environ["BASE"].rstrip("/")
ACCOUNT, TOKEN = os.environ["ACCOUNT_SID"], os.environ["AUTH_TOKEN"]
CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cases/*.json")
STEP = "do with as get list count pages refused advance why let keep items exact".split()
# What is told of a SID of nobody's; `Sid` is that of what the operation is about.
UNKNOWN = {"ServiceSid": 54050, "DocumentSid": 54100, "ListSid": 54150, "MapSid": 54200, "Index": 54151, "Key": 54201}
UNKNOWN_OF = {"Service": 54050, "Document": 54100, "SyncList": 54150, "SyncMap": 54200}
PAGING = {"Page": "page_number", "From": "from_"}


class Wrong(Exception):
    """Something is not as the case says."""


class Body(dict):
    """A JSON body, as the library wants it."""

    to_dict = dict.copy


class Recorder(TwilioHttpClient):
    """Sends requests on, and looks at each with the published document in hand."""

    def __init__(self, product):
        super().__init__()
        self.product, self.published = product, Published(product)
        self.if_match, self.called = None, set()
        self.requests, self.shown, self.faults, self.tried, self.last = 0, set(), [], set(), None

    def request(self, method, url, params=None, data=None, headers=None, auth=None, **more):
        url = url.replace(f"https://{self.product}.twilio.com", f"{BASE}/{self.product}")
        send = super().request
        if method.upper() == "DELETE" and self.if_match:
            headers = {**(headers or {}), "If-Match": self.if_match}
        path = urlsplit(url).path.removeprefix(f"/{self.product}")
        found = self.published.operation(method.upper(), path)
        if found and found[1]:
            self.called.add(found[0]["operationId"])
        if found and found[1] and found[0]["operationId"] not in self.tried:
            self.try_strangers(found, lambda other: send(method, other, params, data, headers, auth, **more), method, path)
        response = send(method, url, params, data, headers, auth, **more)
        self.requests += 1
        self.last = response.status_code, json.loads(response.text) if response.text else None
        if found:
            self.look(found, url, {**(params or {}), **(data if isinstance(data, dict) else {})}, headers, response)
        return response

    def look(self, found, url, form, headers, response):
        operation, in_path = found
        name = operation["operationId"]
        reply = json.loads(response.text) if response.text else None
        for fault in self.published.faults(operation, response.status_code, reply):
            self.faults.append(f"{name} answered {response.status_code}: {fault}")
        sent = {key for key, value in form.items() if value is not None}
        self.shown |= {(name, one) for one in self.published.sent(operation, in_path, url, sent, headers or {})}

    def try_strangers(self, found, send, method, path):
        operation, in_path = found
        self.tried.add(operation["operationId"])
        for name, value in in_path.items():
            if name == "Identity" and method != "GET":
                continue
            other = self.published.with_another(method.upper(), path, name, value[:2] + "f" * 32)
            response = send(f"{BASE}/{self.product}{other}")
            code = json.loads(response.text).get("code") if response.status_code == 404 else None
            if code not in self.codes(operation, name):
                self.faults.append(f"{operation['operationId']} with {name} of nobody's: {response.status_code} {code}")

    def codes(self, operation, name):
        """Where the value was a name, its first letters make another name."""
        if self.product == "taskrouter":
            return [20404]
        about = re.sub("^(Create|Fetch|Update|Delete|List)", "", operation["operationId"])
        return [UNKNOWN_OF.get(about, 20404) if name == "Sid" else UNKNOWN.get(name, 20404), 54300]


def clock(advance_ms=0):
    """The server's time after moving it."""
    call = urllib.request.Request(BASE + "/sinew/v1/Clock", data=json.dumps({"advance_ms": advance_ms}).encode(), method="POST")
    call.add_header("Authorization", "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode())
    call.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(call, timeout=60) as reply:
        return datetime.datetime.fromisoformat(json.load(reply)["now"].replace("Z", "+00:00"))


def snake(name):
    return PAGING.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


def plain(value):
    """A value of the library as JSON has it."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime.datetime) else value


def holds(got, wanted):
    """Objects may have more than is wanted."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return all(key in got and holds(got[key], value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(got, list):
        return len(got) == len(wanted) and all(map(holds, got, wanted))
    return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)


def equals(got, wanted):
    """The same, down to the last key, and true is not 1."""
    return json.dumps(got, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def place(one):
    """What names one of several: an item's place, else who it is about."""
    return next(getattr(one, name) for name in ("key", "index", "identity") if hasattr(one, name))


class Case:
    """One case in a workspace or service of its own."""

    def __init__(self, client, recorder):
        if recorder.product == "sync":
            self.root, self.recorder = client.sync.v1, recorder
            service = self.root.services.create(friendly_name="Case")
            self.space, self.sids = self.root.services(service.sid), {"space": service.sid}
            return
        self.root, self.recorder = client.taskrouter.v1, recorder
        workspace = self.root.workspaces.create(friendly_name="Case")
        self.space = self.root.workspaces(workspace.sid)
        self.sids = {"space": workspace.sid, **{one.friendly_name: one.sid for one in self.space.activities.list()}}

    def value(self, value):
        """With SIDs in place of `@names`, times in place of `now-60`, and so many characters in place of `@x320`."""
        if isinstance(value, dict):
            return {key: self.value(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if not isinstance(value, str):
            return value
        moment = re.fullmatch(r"now([+-]\d+)?", value)
        if moment:
            return (clock() + datetime.timedelta(seconds=int(moment[1] or 0))).strftime("%Y-%m-%dT%H:%M:%SZ")
        return re.sub(r"@(\w+)", self.named, value)

    def named(self, found):
        if found[1] in self.sids:
            return self.sids[found[1]]
        return "x" * int(found[1][1:]) if re.fullmatch(r"x\d+", found[1]) else found[0]

    def call(self, step):
        at = self.root if step["do"].startswith(("workspaces", "services")) else self.space
        *path, verb = re.findall(r"(\w+)(?:\((@?\w*)\))?(\(\))?\.?", step["do"])
        for name, argument, _ in path:
            at = getattr(at, snake(name))
            if argument:
                at = at(self.value(argument))
            elif f"{name}()" in step["do"]:
                at = at()
        fields = {snake(key): self.field(key, value) for key, value in step.get("with", {}).items()}
        if verb[0] == "remove":
            # This library takes an If-Match for a removal and loses it on the way.
            self.recorder.if_match = self.value(step.get("with", {}).get("If-Match"))
            return at.delete(**fields)
        return getattr(at, verb[0])(**fields)

    def field(self, name, value):
        value = self.value(value)
        if name == "body":
            return Body(value)
        return json.dumps(value) if isinstance(value, dict) else value

    def step(self, step):
        unknown = set(step) - set(STEP)
        if unknown:
            raise Wrong(f"nothing reads {unknown}")
        if "advance" in step:
            clock(step["advance"] * 1000)
            return
        if "let" in step:
            self.sids.update(step["let"])
            return
        before = self.recorder.requests
        try:
            got = self.call(step)
        except TwilioException:
            got = False
        # A refused removal is no exception to this library, and one of a list tells no code of its own.
        if got is False or "refused" in step:
            status, reply = self.recorder.last
            if [status, (reply or {}).get("code")] != step.get("refused"):
                raise Wrong(f"{step['do']} answered {status} {reply}")
            return
        if "pages" in step and self.recorder.requests - before != step["pages"]:
            raise Wrong(f"{step['do']} took {self.recorder.requests - before} pages")
        self.check(step, got)

    def check(self, step, got):
        got = list(got) if step["do"].endswith(".page") else got
        if "as" in step:
            self.sids[step["as"]] = (got[0] if isinstance(got, list) else got).sid
        first = got[0] if isinstance(got, list) and got else got
        self.sids.update({name: getattr(first, key) for name, key in step.get("keep", {}).items()})
        if "items" in step and [place(one) for one in got] != step["items"]:
            raise Wrong(f"{step['do']} found {[place(one) for one in got]}")
        if "list" in step:
            names = {sid: name for name, sid in self.sids.items()}
            found = [names.get(one.sid, one.sid) for one in got]
            if found != step["list"]:
                raise Wrong(f"{step['do']} found {found}")
        if "count" in step and len(got) != step["count"]:
            raise Wrong(f"{step['do']} {step.get('with', {})} found {len(got)}")
        one = got[0] if isinstance(got, list) and got else got
        for key, wanted in step.get("get", {}).items():
            found, wanted = plain(getattr(one, key)), self.value(wanted)
            if isinstance(wanted, dict) and isinstance(found, str):
                found = json.loads(found)
            fits = equals if key in step.get("exact", []) else holds
            if not fits(found, wanted):
                raise Wrong(f"{step['do']}: {key} is {found!r}")


def run(case, worlds, client, recorder):
    """None when it holds, else what is wrong."""
    recorder.shown, recorder.faults = set(), []
    try:
        world = Case(client, recorder)
        steps = worlds[case["in"]] if "in" in case else []
        for step in steps + case["steps"]:
            world.step(step)
        world.space.delete()
    except Wrong as wrong:
        return str(wrong)
    if recorder.faults:
        return "; ".join(sorted(set(recorder.faults))[:5])
    if not any(key in step for step in case["steps"] for key in ("get", "list", "count", "items", "refused")):
        return "expects nothing"
    claimed = {(operation, name) for operation, names in case["shows"].items() for name in names}
    missing = claimed - recorder.shown if recorder.published.document else set()
    return f"never sent {sorted(missing)}" if missing else None


def main():
    failed, untried, is_compared = 0, set(), True
    for file in sorted(glob.glob(CASES)):
        with open(file, encoding="utf-8") as text:
            book = json.load(text)
        recorder = Recorder(book.get("product", "taskrouter"))
        client = Client(ACCOUNT, TOKEN, http_client=recorder)
        is_compared &= recorder.published.document is not None
        for case in book["cases"]:
            if sys.argv[1:] and not any(part in case["name"] for part in sys.argv[1:]):
                continue
            wrong = run(case, book["worlds"], client, recorder)
            failed += wrong is not None
            print(f"FAIL {case['name']}: {wrong}" if wrong else f"ok   {case['name']}", flush=True)
        untried |= recorder.called - recorder.tried
    if not sys.argv[1:] and is_compared:
        failed += bool(untried)
        name = "every path parameter names what is meant"
        print(f"FAIL {name}: {sorted(untried)}" if untried else f"ok   {name}")
    if not is_compared:
        print("note: ../shared is not here, so no reply was compared with the published document")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
