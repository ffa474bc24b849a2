"""The console as people meet it: in a real Chromium, with a mouse, a keyboard, a phone's width, and without scripts."""
