import os

bind = f"{os.environ['HOST']}:{os.environ['PORT']}"
# A process an address, like every contender. Threads, because the plain worker closes each connection of NGINX.
workers = 1
worker_class = "gthread"
threads = 8
# Longer than NGINX keeps them.
keepalive = 75
