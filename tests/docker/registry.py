"""A registry of images that asks for a user name and a password, for a Docker Engine on the same machine."""
import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USERNAME, PASSWORD = "ann", "secret"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"


class Registry(ThreadingHTTPServer):
    """Gives out what was published last under a name, whatever the tag, as long as it is open.

    :param refusal: what it says in place of giving out anything
    """

    daemon_threads = True

    def __init__(self, refusal=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refusal = refusal
        self._blobs = {}
        self._manifests = {}
        #: Its host and port, with which the names of its images begin.
        self.address = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def publish(self, name, file_system, architecture, **config):
        """Publish an image; return the name by which an engine pulls it.

        :param file_system: what it holds, a tar archive
        :param config: what it says of itself, as ``Cmd`` and ``Env``
        """
        image = {"architecture": architecture, "os": "linux", "config": config,
                 "rootfs": {"type": "layers", "diff_ids": [_digest(file_system)]}}
        self._manifests[name] = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": self._keep(CONFIG, json.dumps(image).encode()),
            "layers": [self._keep(LAYER, file_system)]}).encode()
        return f"{self.address}/{name}"

    def _keep(self, media_type, blob):
        self._blobs[_digest(blob)] = blob
        return {"mediaType": media_type, "size": len(blob), "digest": _digest(blob)}

    def find(self, path):
        """Return the media type and the bytes that a path stands for; no bytes where there is nothing."""
        name, _, digest = path[len("/v2/"):].partition("/blobs/")
        if digest:
            return "application/octet-stream", self._blobs.get(digest)
        return MANIFEST, self._manifests.get(name.partition("/manifests/")[0])

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        expected = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if self.headers["Authorization"] != expected:
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="test"'})
        elif self.path == "/v2/":
            self._answer(200, b"{}", {"Content-Type": "application/json"})
        elif self.server.refusal is not None:
            refusal = {"errors": [{"code": "TOOMANYREQUESTS", "message": self.server.refusal}]}
            self._answer(429, json.dumps(refusal).encode(), {"Content-Type": "application/json"})
        else:
            media_type, found = self.server.find(self.path)
            if found is None:
                self._answer(404, b"", {})
            else:
                self._answer(200, found, {"Content-Type": media_type, "Docker-Content-Digest": _digest(found)})

    do_HEAD = do_GET

    def _answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def _digest(blob):
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"
