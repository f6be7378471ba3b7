"""What deployments name: `flows/deployments.py:product_photo`. Only names are defined here.

Prefect loads this file by its path and puts its folder on sys.path, so imports are absolute.
"""

from flows.batch_flow import batch
from flows.template_flow import template_flow

product_photo = template_flow("product-photo")
cut_out = template_flow("cut-out")

__all__ = ["batch", "cut_out", "product_photo"]
