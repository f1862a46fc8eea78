"""Flask applications with Flask-Login, and with Flask-Session where SESSION_TYPE is set.

FLASK_APPS has the settings of each by its name, under which it is served, as JSON. Flask-Session 0.3.2 writes pickles;
SERIALIZER has what it writes instead: json or msgpack.
"""

import json
import os
import uuid
from datetime import datetime, timezone

import flask
import flask_login
from flask import Flask, jsonify, request, session
from markupsafe import Markup
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from serve import serve

KINDS = {
    "tuple": ("a", 1),
    "bytes": b"\x00\xffhello",
    "when": datetime(2024, 2, 29, 12, 34, 56, tzinfo=timezone.utc),
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "markup": Markup("<b>hi</b>"),
    "tag": {" t": "x"},
}


class Json:
    loads = staticmethod(json.loads)

    @staticmethod
    def dumps(value, protocol=None):
        return json.dumps(value).encode()


class MessagePack:
    @staticmethod
    def loads(value):
        import msgpack

        return msgpack.unpackb(value, timestamp=3)

    @staticmethod
    def dumps(value, protocol=None):
        import msgpack

        return msgpack.packb(value, datetime=True)


def keep_sessions_on_server(app):
    kind, server = app.config["SESSION_TYPE"], app.config["SERVER"]
    if kind == "redis":
        import redis

        app.config["SESSION_REDIS"] = redis.Redis.from_url(server)
    elif kind == "memcached":
        from pymemcache.client.base import Client

        app.config["SESSION_MEMCACHED"] = Client(server, default_noreply=False)
    else:
        from flask_sqlalchemy import SQLAlchemy

        app.config["SQLALCHEMY_DATABASE_URI"] = server
        app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
    from flask_session import Session

    Session(app)
    serializer = {"json": Json, "msgpack": MessagePack}.get(app.config["SERIALIZER"])
    if serializer:
        app.session_interface.serializer = serializer
    if kind == "sqlalchemy":
        with app.app_context():
            app.config["SESSION_SQLALCHEMY"].create_all()


def load_user(user_id):
    user = flask_login.UserMixin()
    user.id = user_id
    return user


def login():
    if "permanent" in request.args:
        session.permanent = True
    session["cart"] = ["apple", "banana"]
    session["language"] = request.args.get("language", "ja \u592a\u90ce")
    session["count"] = 3
    for kind in request.args.getlist("kind"):
        session[kind] = KINDS[kind]
    flask.flash("Hello")
    flask_login.login_user(load_user(request.args["user"]))
    return "welcome"


def whoami():
    user = flask_login.current_user
    return jsonify(
        user=user.get_id() if user.is_authenticated else "",
        fresh=flask_login.login_fresh(),
        permanent=session.permanent,
        values={name: session.get(name) for name in ("cart", "language", "count")},
    )


def logout():
    flask_login.logout_user()
    return "bye"


def create(name, settings):
    app = Flask(name)
    app.config.update(settings)
    if "SESSION_TYPE" in settings:
        keep_sessions_on_server(app)
    flask_login.LoginManager(app).user_loader(load_user)
    app.post("/login")(login)
    app.post("/logout")(logout)
    app.get("/")(whoami)
    return app


if __name__ == "__main__":
    apps = json.loads(os.environ["FLASK_APPS"])
    serve(DispatcherMiddleware(None, {"/" + name: create(name, apps[name]) for name in apps}))
