"""Settings, logs, gunicorn: what differs between the places the service runs in. Read by `app.py` alone."""
