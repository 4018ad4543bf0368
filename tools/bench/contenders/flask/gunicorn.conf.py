import os

bind = f"{os.environ['HOST']}:{os.environ['PORT']}"
# One process per address, like every contender. Threads, because the sync worker closes each NGINX connection.
workers = 1
worker_class = "gthread"
threads = 8
# Longer than NGINX keeps its connections.
keepalive = 75
