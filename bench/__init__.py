"""The figures the service must reach, measured side by side on one machine in one run; `python -m bench`.

The law here: nothing in the service knows this room, and a figure is a ratio, or names the machine it was taken on.
"""
