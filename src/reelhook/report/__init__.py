"""Reports as PDF: pages of facts, figures and one long table, in any script of the world.

It knows nothing of webhooks, and runs as a process of its own (`python -m reelhook.report`), so that setting a thousand
pages delays no delivery.
"""
