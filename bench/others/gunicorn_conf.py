"""How gunicorn runs the usual ways: as it runs us, with as many processes as a way is best off with."""

import os

worker_class = "gthread"
workers = int(os.environ["WEB_PROCESSES"])
threads = int(os.environ["WEB_THREADS"])
backlog = 1024
keepalive = 75
timeout = 30
graceful_timeout = 20
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112 - a heartbeat file in memory
accesslog = None
control_socket_disable = True
