"""The console: what ops see and press, page by page. `door.py` opens it; each page is a module of its own."""
