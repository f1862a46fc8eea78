"""Serves a WSGI application for startPython: at a free port, whose URL is the first line printed, until stdin ends."""

import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


def serve(app):
    server = make_server("127.0.0.1", 0, app, Server)
    threading.Thread(target=end_with_parent, daemon=True).start()
    print("http://127.0.0.1:%d" % server.server_port, flush=True)
    server.serve_forever()
