"""Provider `local`: every pixel that this machine makes itself, offline and at no price.

Plain functions over pictures; no Prefect, no network, no catalog.
"""
