"""The sandbox: a loopback server that speaks the vendors' wire protocols and keeps the invoice.

It never imports the catalog: its schemas, prices and latencies are its own data, so that a mistake
in the one is seen at the other. Only this package's `process` is for callers; see there.
"""
