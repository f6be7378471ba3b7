"""A small photo studio for stand-ins: solids, light, and a shelf of things to photograph."""
