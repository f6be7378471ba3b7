"""Providers: what each vendor expects and answers, and what this machine can do itself.

Nothing here knows Prefect, templates or money decisions; imports run flows -> tasks -> providers.
"""
