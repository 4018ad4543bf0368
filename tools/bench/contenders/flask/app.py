"""The board's original: one durable transaction per request, then a small page and a cookie."""

import os
import threading
from urllib.parse import unquote, urlsplit

import MySQLdb
from flask import Flask, make_response, render_template_string, request

app = Flask(__name__)
server = os.environ["SERVER_NAME"]
local = threading.local()

PAGE = """<!doctype html>
<html lang="en">
<head><title>Page views</title></head>
<body>
<h1>Page view {{ hit }}</h1>
<p>Answered by {{ server }} for {{ client_ip }}.</p>
</body>
</html>
"""


def connection():
    """One connection per thread, kept open: the fastest option for this design."""
    if not hasattr(local, "connection"):
        url = urlsplit(os.environ["DATABASE_URL"])
        local.connection = MySQLdb.connect(
            host=url.hostname,
            port=url.port,
            user=unquote(url.username),
            password=unquote(url.password),
            database=url.path.lstrip("/"),
        )
    return local.connection


def count_page_view(client_ip):
    database = connection()
    try:
        cursor = database.cursor()
        cursor.execute("UPDATE global_counter SET value = value + 1 WHERE id = 1")
        cursor.execute("SELECT value FROM global_counter WHERE id = 1")
        (hit,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO access_log (id, created_at, client_ip, server) VALUES (%s, UTC_TIMESTAMP(3), %s, %s)",
            (hit, client_ip, server),
        )
        database.commit()
        return hit
    except Exception:
        database.rollback()
        raise


@app.get("/")
def page():
    client_ip = request.headers.get("X-Real-IP", request.remote_addr)
    hit = count_page_view(client_ip)
    response = make_response(render_template_string(PAGE, hit=hit, server=server, client_ip=client_ip))
    response.set_cookie("server", server, max_age=300, httponly=True, samesite="Lax")
    return response


@app.get("/health/ready")
def ready():
    return "ready\n"
