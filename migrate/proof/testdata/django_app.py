"""A Django site. ENGINE says which of Django's session back ends it uses, SERVER where the back end's cache is, FILES its
folder, SQLITE, POSTGRESQL or MARIADB its database, and USERS whom it knows."""

import os

import django
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.urls import path

from serve import serve


def database():
    if "SQLITE" in os.environ:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SQLITE"], "OPTIONS": {"timeout": 20}}
    if "MARIADB" in os.environ:
        host, port = os.environ["MARIADB"].split(":")
        return {"ENGINE": "django.db.backends.mysql", "NAME": "test", "USER": "root", "HOST": host, "PORT": port}
    host, port = os.environ["POSTGRESQL"].split(":")
    return {
        "ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": host, "PORT": port,
    }


def cache():
    server = os.environ.get("SERVER", "")
    if "MEMCACHED" in os.environ:
        return {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": server}
    if server:
        return {
            "BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://%s/0" % server, "KEY_PREFIX": "site",
            "VERSION": 2, "OPTIONS": {"SERIALIZER": "django_redis.serializers.%s" % os.environ["SERIALIZER"]},
        }
    return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


APPS = ["auth", "contenttypes", "sessions"]

settings.configure(
    ALLOWED_HOSTS=["*"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
    CACHES={"default": cache()},
    DATABASES={"default": database()},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib." + app for app in APPS],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    MIGRATION_MODULES={app: None for app in APPS},  # the tables are made at once
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # the quickest
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ["SECRET_KEY"],
    SESSION_COOKIE_NAME=os.environ.get("COOKIE", "sessionid"),
    SESSION_ENGINE="django.contrib.sessions.backends." + os.environ["ENGINE"],
    SESSION_FILE_PATH=os.environ.get("FILES"),
    TIME_ZONE="Asia/Tokyo",
    USE_TZ="NAIVE" not in os.environ,
)
django.setup()

from django.contrib import auth  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402


def visit(request):
    request.session["cart"] = ["apple", "\u592a\u90ce \U0001f363"]
    request.session["language"] = request.GET.get("language", "ja")
    if "expiry" in request.GET:
        request.session.set_expiry(int(request.GET["expiry"]))
    return HttpResponse("hello")


def login(request):
    user = auth.authenticate(request, username=request.GET["user"], password=request.GET["password"])
    auth.login(request, user)
    return visit(request)


def whoami(request):
    user = request.user
    return JsonResponse({
        "user": str(user.pk) if user.is_authenticated else "", "cart": request.session.get("cart"),
        "language": request.session.get("language"),
    })


def logout(request):
    auth.logout(request)
    return HttpResponse("bye")


def change(request):
    user = User.objects.get(username=request.GET["user"])
    user.is_active = "inactive" not in request.GET
    user.set_password(request.GET["password"])
    user.save()
    return HttpResponse("changed")


urlpatterns = [
    path("", whoami), path("visit", visit), path("login", login), path("logout", logout), path("change", change),
]

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    for name in os.environ.get("USERS", "ann bob").split():
        User.objects.create_user(name, password="secret of " + name)
    serve(get_wsgi_application())
