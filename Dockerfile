# The production image: the code and requirements.txt, nothing of `./run`. One image, three commands (compose.yaml).
# Untested: it was written on a machine without a container engine. Please report what does not work.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# Before the code, so that a change of the code does not install the packages again.
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt

COPY manage.py ./
COPY config config
COPY tenants tenants
COPY whatsapp whatsapp
COPY agent agent
COPY conversations conversations
COPY templates templates
COPY locale locale

# Compiled here, for `app` may not write beside the code: else every process would compile it as it starts. The settings
# ask for these two; no secret is needed to collect files, and none stays in the image.
RUN rm -rf config/local && \
    python -m compileall -q . && \
    SECRET_KEY=only-to-collect-static-files DATABASE_URL=postgres://nobody@localhost/nothing \
    python manage.py collectstatic --noinput && \
    useradd --system --no-create-home app && \
    install -d -o app -g app /var/lib/whatsapp-agents
ENV MEDIA_ROOT=/var/lib/whatsapp-agents/media
USER app

EXPOSE 8000
# A connection is kept for longer than proxies keep theirs, or they would post to one that is just being closed.
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "32", "--keep-alive", "75", "--max-requests", "10000", "--max-requests-jitter", "1000", \
     "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
