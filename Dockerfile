FROM python:3.12-slim AS libraries
COPY requirements.lock .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.12-slim
COPY --from=libraries /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 app
WORKDIR /home/app/customer-sync
COPY --chown=app . .
RUN mkdir -p var && chown app var
USER app
VOLUME /home/app/customer-sync/var
EXPOSE 8000
# The web door; a worker is the same image with the command `flask worker`, a release runs `flask db upgrade` first.
CMD ["gunicorn", "-c", "config/gunicorn.py", "app:create_app()"]
