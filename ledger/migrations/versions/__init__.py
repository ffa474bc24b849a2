"""One file a step, oldest first; `flask db upgrade` runs what is missing."""
