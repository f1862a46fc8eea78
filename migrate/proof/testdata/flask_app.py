"""A Flask application with Flask-Login. SESSIONS says where its sessions are: cookie, redis, memcached or sql."""

import json
import os
import uuid
from datetime import datetime, timezone

import flask
import flask_login
from flask import Flask, jsonify, request, session
from markupsafe import Markup

from serve import serve

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
app.config["SESSION_PROTECTION"] = os.environ.get("PROTECTION", "basic")

logins = flask_login.LoginManager(app)


@logins.user_loader
def load_user(user_id):
    user = flask_login.UserMixin()
    user.id = user_id
    return user


@app.post("/login")
def login():
    session.permanent = "permanent" in request.args
    session["cart"] = ["apple", "banana"]
    session["language"] = "ja \u592a\u90ce"
    session["count"] = 3
    if "types" in request.args:
        session["tuple"] = ("a", 1)
        session["bytes"] = b"\x00\xffhello"
        session["uuid"] = uuid.UUID("12345678-1234-5678-1234-567812345678")
        session["when"] = datetime(2024, 2, 29, 12, 34, 56, tzinfo=timezone.utc)
        session["markup"] = Markup("<b>hi</b>")
        session["tag"] = {" t": "x"}
        flask.flash("Hello")
    flask_login.login_user(load_user(request.args["user"]))
    return "welcome"


@app.get("/")
def whoami():
    values = {k: session.get(k) for k in ("cart", "language", "count")}
    user = flask_login.current_user
    return jsonify(
        user=user.id if user.is_authenticated else None, fresh=flask_login.login_fresh(), permanent=session.permanent,
        values=values,
    )


@app.post("/logout")
def logout():
    flask_login.logout_user()
    if "clear" in request.args:
        session.clear()
    return "bye"


if __name__ == "__main__":
    serve(app)
