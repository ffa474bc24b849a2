"""The usual ways to take a webhook in, to be measured beside us: small apps as their own documentation has them.

The law here: the apps run in an environment of their own (`.venv-bench`, from `requirements-bench.lock`) and import
nothing of the service; only `ways` is ours, which starts them.
"""
