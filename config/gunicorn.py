"""How gunicorn runs the web door: an event loop, and as many processes as the database likes.

Shopify asks for Keep-Alive, which gunicorn's plain worker ignores; ours honours it.
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries : a connection within 1 s, an answer within 5 s.
"""

import os
import sys

from config.settings import WrongSetting, read_settings

try:
    _settings = read_settings()
except WrongSetting as e:
    sys.exit(str(e))

bind = f"0.0.0.0:{_settings.port}"
worker_class = "handlers.loop.LoopWorker"
# Requests of one process share a commit. On SQLite a second process would only queue for the same file; PostgreSQL
# commits side by side.
workers = _settings.web_processes or (2 if _settings.on_postgresql else 1)
threads = _settings.web_threads
backlog = 1024
keepalive = 75
timeout = 30
graceful_timeout = 20
# Shopify's headers are few and short; a client that sends more is not Shopify.
limit_request_line = 2048
limit_request_fields = 60
limit_request_field_size = 4096
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108 - a heartbeat file in memory
accesslog = None  # each delivery has its own line in the log, with more in it
control_socket_disable = True
proc_name = "customer-sync-web"
